"""Json: parses a document of some 25 kB, character by character, into a tree of its own."""

from __future__ import annotations

from pathlib import Path

from .som import Benchmark, Vector

DOCUMENT = Path(__file__).parent.parent / "document.json"


class ParseError(Exception):
    def __init__(self, message: str, offset: int, line: int, column: int) -> None:
        super().__init__(f"{message} at {line}:{column}")
        self.offset = offset
        self.line = line
        self.column = column


class JsonValue:
    def is_object(self) -> bool:
        return False

    def is_array(self) -> bool:
        return False

    def is_number(self) -> bool:
        return False

    def is_string(self) -> bool:
        return False

    def is_boolean(self) -> bool:
        return False

    def is_true(self) -> bool:
        return False

    def is_false(self) -> bool:
        return False

    def is_null(self) -> bool:
        return False

    def text(self) -> str:
        raise NotImplementedError


class JsonLiteral(JsonValue):
    def __init__(self, word: str) -> None:
        self.word = word

    def is_boolean(self) -> bool:
        return self is TRUE or self is FALSE

    def is_true(self) -> bool:
        return self is TRUE

    def is_false(self) -> bool:
        return self is FALSE

    def is_null(self) -> bool:
        return self is NULL

    def text(self) -> str:
        return self.word


NULL = JsonLiteral("null")
TRUE = JsonLiteral("true")
FALSE = JsonLiteral("false")


class JsonNumber(JsonValue):
    def __init__(self, digits: str) -> None:
        self.digits = digits

    def is_number(self) -> bool:
        return True

    def text(self) -> str:
        return self.digits


class JsonString(JsonValue):
    def __init__(self, string: str) -> None:
        self.string = string

    def is_string(self) -> bool:
        return True

    def text(self) -> str:
        return quoted(self.string)


def quoted(string: str) -> str:
    return '"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"'


class JsonArray(JsonValue):
    def __init__(self) -> None:
        self.values: Vector[JsonValue] = Vector()

    def add(self, value: JsonValue) -> None:
        self.values.append(value)

    def size(self) -> int:
        return self.values.size()

    def get(self, index: int) -> JsonValue:
        value: JsonValue = self.values.at(index)
        return value

    def is_array(self) -> bool:
        return True

    def text(self) -> str:
        parts: list[str] = []
        self.values.for_each(lambda each: parts.append(each.text()))
        return "[" + ",".join(parts) + "]"


class HashIndexTable:
    """Guesses at the place of a name by its length: 32 slots of one byte, the last writer wins."""

    def __init__(self) -> None:
        self.slots = [0] * 32

    def add(self, name: str, index: int) -> None:
        slot = self.slot_for(name)
        if index < 255:
            self.slots[slot] = (index + 1) & 255
        else:
            self.slots[slot] = 0

    def get(self, name: str) -> int:
        return (self.slots[self.slot_for(name)] & 255) - 1

    def slot_for(self, name: str) -> int:
        return (len(name) * 1402589) & 31


class JsonObject(JsonValue):
    def __init__(self) -> None:
        self.names: Vector[str] = Vector()
        self.values: Vector[JsonValue] = Vector()
        self.table = HashIndexTable()

    def add(self, name: str, value: JsonValue) -> None:
        self.table.add(name, self.names.size())
        self.names.append(name)
        self.values.append(value)

    def get(self, name: str) -> JsonValue | None:
        index = self.index_of(name)
        if index == -1:
            return None
        value: JsonValue = self.values.at(index)
        return value

    def index_of(self, name: str) -> int:
        guess = self.table.get(name)
        if guess != -1 and name == self.names.at(guess):
            return guess
        for i in range(self.names.size()):
            if self.names.at(i) == name:
                return i
        return -1

    def size(self) -> int:
        return self.names.size()

    def is_object(self) -> bool:
        return True

    def text(self) -> str:
        parts: list[str] = []
        for i in range(self.names.size()):
            parts.append(quoted(self.names.at(i)) + ":" + self.values.at(i).text())
        return "{" + ",".join(parts) + "}"


class JsonParser:
    def __init__(self, input_: str) -> None:
        self.input = input_
        self.index = -1
        self.line = 1
        self.column = 0
        self.current: str | None = None
        self.capture_buffer = ""
        self.capture_start = -1

    def parse(self) -> JsonValue:
        self.read()
        self.skip_white_space()
        result = self.read_value()
        self.skip_white_space()
        if not self.is_end_of_text():
            raise self.error("Unexpected character")
        return result

    def read_value(self) -> JsonValue:
        current = self.current
        if current == "n":
            return self.read_null()
        if current == "t":
            return self.read_true()
        if current == "f":
            return self.read_false()
        if current == '"':
            return self.read_string()
        if current == "[":
            return self.read_array()
        if current == "{":
            return self.read_object()
        if current == "-" or self.is_digit():
            return self.read_number()
        raise self.expected("value")

    def read_array(self) -> JsonArray:
        self.read()
        array = JsonArray()
        self.skip_white_space()
        if self.read_char("]"):
            return array
        while True:
            self.skip_white_space()
            array.add(self.read_value())
            self.skip_white_space()
            if not self.read_char(","):
                break
        if not self.read_char("]"):
            raise self.expected("',' or ']'")
        return array

    def read_object(self) -> JsonObject:
        self.read()
        object_ = JsonObject()
        self.skip_white_space()
        if self.read_char("}"):
            return object_
        while True:
            self.skip_white_space()
            name = self.read_name()
            self.skip_white_space()
            if not self.read_char(":"):
                raise self.expected("':'")
            self.skip_white_space()
            object_.add(name, self.read_value())
            self.skip_white_space()
            if not self.read_char(","):
                break
        if not self.read_char("}"):
            raise self.expected("',' or '}'")
        return object_

    def read_name(self) -> str:
        if self.current != '"':
            raise self.expected("name")
        return self.read_string_internal()

    def read_null(self) -> JsonValue:
        self.read()
        self.read_required_char("u")
        self.read_required_char("l")
        self.read_required_char("l")
        return NULL

    def read_true(self) -> JsonValue:
        self.read()
        self.read_required_char("r")
        self.read_required_char("u")
        self.read_required_char("e")
        return TRUE

    def read_false(self) -> JsonValue:
        self.read()
        self.read_required_char("a")
        self.read_required_char("l")
        self.read_required_char("s")
        self.read_required_char("e")
        return FALSE

    def read_required_char(self, char: str) -> None:
        if not self.read_char(char):
            raise self.expected("'" + char + "'")

    def read_string(self) -> JsonValue:
        return JsonString(self.read_string_internal())

    def read_string_internal(self) -> str:
        self.read()
        self.start_capture()
        while self.current != '"':
            if self.current == "\\":
                self.pause_capture()
                self.read_escape()
                self.start_capture()
            elif self.current is None:
                raise self.expected("'\"'")
            else:
                self.read()
        string = self.end_capture()
        self.read()
        return string

    def read_escape(self) -> None:
        self.read()
        current = self.current
        if current == '"' or current == "/" or current == "\\":
            self.capture_buffer += current
        elif current == "b":
            self.capture_buffer += "\b"
        elif current == "f":
            self.capture_buffer += "\f"
        elif current == "n":
            self.capture_buffer += "\n"
        elif current == "r":
            self.capture_buffer += "\r"
        elif current == "t":
            self.capture_buffer += "\t"
        else:
            raise self.expected("valid escape sequence")
        self.read()

    def read_number(self) -> JsonValue:
        self.start_capture()
        self.read_char("-")
        first_digit = self.current
        if not self.read_digit():
            raise self.expected("digit")
        if first_digit != "0":
            while self.read_digit():
                pass
        self.read_fraction()
        self.read_exponent()
        return JsonNumber(self.end_capture())

    def read_fraction(self) -> bool:
        if not self.read_char("."):
            return False
        if not self.read_digit():
            raise self.expected("digit")
        while self.read_digit():
            pass
        return True

    def read_exponent(self) -> bool:
        if not self.read_char("e") and not self.read_char("E"):
            return False
        if not self.read_char("+"):
            self.read_char("-")
        if not self.read_digit():
            raise self.expected("digit")
        while self.read_digit():
            pass
        return True

    def read_char(self, char: str) -> bool:
        if self.current != char:
            return False
        self.read()
        return True

    def read_digit(self) -> bool:
        if not self.is_digit():
            return False
        self.read()
        return True

    def skip_white_space(self) -> None:
        while self.is_white_space():
            self.read()

    def read(self) -> None:
        if self.current == "\n":
            self.line += 1
            self.column = 0
        self.index += 1
        self.column += 1
        if self.index < len(self.input):
            self.current = self.input[self.index]
        else:
            self.current = None

    def start_capture(self) -> None:
        self.capture_start = self.index

    def pause_capture(self) -> None:
        self.capture_buffer += self.input[self.capture_start : self.index]
        self.capture_start = -1

    def end_capture(self) -> str:
        captured = self.input[self.capture_start : self.index]
        if self.capture_buffer != "":
            captured = self.capture_buffer + captured
            self.capture_buffer = ""
        self.capture_start = -1
        return captured

    def expected(self, what: str) -> ParseError:
        if self.is_end_of_text():
            return self.error("Unexpected end of input")
        return self.error("Expected " + what)

    def error(self, message: str) -> ParseError:
        return ParseError(message, self.index, self.line, self.column)

    def is_white_space(self) -> bool:
        current = self.current
        return current == " " or current == "\t" or current == "\n" or current == "\r"

    def is_digit(self) -> bool:
        current = self.current
        return current is not None and "0" <= current <= "9"

    def is_end_of_text(self) -> bool:
        return self.current is None


class Json(Benchmark):
    def __init__(self) -> None:
        self.document = DOCUMENT.read_text()

    def run(self) -> JsonValue:
        return JsonParser(self.document).parse()

    def verify(self, result: JsonValue) -> bool:
        if not isinstance(result, JsonObject):
            return False
        head = result.get("head")
        operations = result.get("operations")
        if head is None or not head.is_object():
            return False
        return isinstance(operations, JsonArray) and operations.size() == 156

    def round_trips(self) -> bool:
        """Is the tree, written out again, the very document?"""
        return self.run().text() == self.document
