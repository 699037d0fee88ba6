"""Strings: words made, joined, walked through, reversed and looked up."""

from __future__ import annotations

from io import StringIO

from .som import Benchmark


class Strings(Benchmark):
    def run(self) -> int:
        stream = StringIO()
        for i in range(1, 501):
            stream.write("item")
            stream.write(str(i))
            stream.write(" ")
        text = stream.getvalue()
        return self.count_digits(text) + self.longest_word(text) + self.palindromes(text)

    def count_digits(self, text: str) -> int:
        digits = 0
        for char in text:
            if char.isdigit():
                digits += 1
        return digits

    def longest_word(self, text: str) -> int:
        longest = 0
        start = 0
        for i in range(len(text)):
            if text[i] == " ":
                word = text[start:i]
                if len(word) > longest:
                    longest = len(word)
                start = i + 1
        return longest

    def palindromes(self, text: str) -> int:
        """Of the numbers in the words, how many read the same backwards."""
        found = 0
        for word in text.split():
            digits = word[4:]
            if digits == digits[::-1]:
                found += 1
        return found

    def verify(self, result: int) -> bool:
        return result == 1457
