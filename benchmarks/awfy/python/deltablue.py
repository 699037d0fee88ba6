"""DeltaBlue: a solver that keeps a hierarchy of one-way constraints satisfied, one change at a time.

The algorithm is Freeman-Benson and Maloney's (1989); the two tests are the suite's: a chain of equalities,
and a projection of one set of variables on another by scale and offset.
"""

from __future__ import annotations

from collections.abc import Callable

from .som import Benchmark, IdentityDictionary, Vector


class Symbol:
    """A name with a hash of its own, so that the table behaves alike everywhere."""

    def __init__(self, hash_: int) -> None:
        self.hash = hash_

    def custom_hash(self) -> int:
        return self.hash


ABSOLUTE_STRONGEST = Symbol(0)
REQUIRED = Symbol(1)
STRONG_PREFERRED = Symbol(2)
PREFERRED = Symbol(3)
STRONG_DEFAULT = Symbol(4)
DEFAULT = Symbol(5)
WEAK_DEFAULT = Symbol(6)
ABSOLUTE_WEAKEST = Symbol(7)


class Strength:
    """How much a constraint matters. A smaller number is stronger."""

    def __init__(self, symbol: Symbol, level: int) -> None:
        self.symbol = symbol
        self.level = level

    def same_as(self, other: Strength) -> bool:
        return self.level == other.level

    def stronger(self, other: Strength) -> bool:
        return self.level < other.level

    def weaker(self, other: Strength) -> bool:
        return self.level > other.level

    def strongest(self, other: Strength) -> Strength:
        return other if other.stronger(self) else self

    def weakest(self, other: Strength) -> Strength:
        return other if other.weaker(self) else self


STRENGTHS: IdentityDictionary[Symbol, Strength] = IdentityDictionary()
for _symbol, _level in (
    (ABSOLUTE_STRONGEST, -10000),
    (REQUIRED, -800),
    (STRONG_PREFERRED, -600),
    (PREFERRED, -400),
    (STRONG_DEFAULT, -200),
    (DEFAULT, 0),
    (WEAK_DEFAULT, 500),
    (ABSOLUTE_WEAKEST, 10000),
):
    STRENGTHS.at_put(_symbol, Strength(_symbol, _level))


def strength(symbol: Symbol) -> Strength:
    found: Strength = STRENGTHS.at(symbol)
    return found


STRONGEST = strength(ABSOLUTE_STRONGEST)
WEAKEST = strength(ABSOLUTE_WEAKEST)
REQUIRED_STRENGTH = strength(REQUIRED)


class Plan(Vector["Constraint"]):
    """Constraints in the order in which to execute them."""

    def __init__(self) -> None:
        super().__init__(15)

    def execute(self) -> None:
        self.for_each(lambda constraint: constraint.execute())


class Variable:
    """A value, the constraints on it, and what the solver knows of it: see the paper's walkabout strength."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.constraints: Vector[Constraint] = Vector(2)
        self.determined_by: Constraint | None = None
        self.walk_strength = WEAKEST
        self.stay = True
        self.mark = 0

    def add_constraint(self, constraint: Constraint) -> None:
        self.constraints.append(constraint)

    def remove_constraint(self, constraint: Constraint) -> None:
        self.constraints.remove(constraint)
        if self.determined_by is constraint:
            self.determined_by = None


class Constraint:
    """A relation between variables that one of its methods can make true by setting one output."""

    def __init__(self, symbol: Symbol) -> None:
        self.strength = strength(symbol)

    def is_input(self) -> bool:
        return False

    def is_satisfied(self) -> bool:
        raise NotImplementedError

    def add_to_graph(self) -> None:
        raise NotImplementedError

    def remove_from_graph(self) -> None:
        raise NotImplementedError

    def choose_method(self, mark: int) -> None:
        raise NotImplementedError

    def execute(self) -> None:
        raise NotImplementedError

    def inputs_do(self, action: Callable[[Variable], None]) -> None:
        raise NotImplementedError

    def inputs_has_one(self, test: Callable[[Variable], bool]) -> bool:
        raise NotImplementedError

    def inputs_known(self, mark: int) -> bool:
        return not self.inputs_has_one(lambda each: not (each.mark == mark or each.stay or each.determined_by is None))

    def mark_unsatisfied(self) -> None:
        raise NotImplementedError

    def output(self) -> Variable:
        raise NotImplementedError

    def recalculate(self) -> None:
        raise NotImplementedError

    def add_constraint(self, planner: Planner) -> None:
        self.add_to_graph()
        planner.incremental_add(self)

    def destroy_constraint(self, planner: Planner) -> None:
        if self.is_satisfied():
            planner.incremental_remove(self)
        self.remove_from_graph()

    def satisfy(self, mark: int, planner: Planner) -> Constraint | None:
        """Make this constraint true if it is strong enough; answers the weaker one it pushed out, if any."""
        self.choose_method(mark)
        if not self.is_satisfied():
            if self.strength.same_as(REQUIRED_STRENGTH):
                raise ValueError("Could not satisfy a required constraint")
            return None

        def mark_input(variable: Variable) -> None:
            variable.mark = mark

        self.inputs_do(mark_input)
        out = self.output()
        overridden = out.determined_by
        if overridden is not None:
            overridden.mark_unsatisfied()
        out.determined_by = self
        if not planner.add_propagate(self, mark):
            raise ValueError("Cycle encountered")
        out.mark = mark
        return overridden


class UnaryConstraint(Constraint):
    def __init__(self, variable: Variable, symbol: Symbol, planner: Planner) -> None:
        super().__init__(symbol)
        self.target = variable
        self.satisfied = False
        self.add_constraint(planner)

    def is_satisfied(self) -> bool:
        return self.satisfied

    def add_to_graph(self) -> None:
        self.target.add_constraint(self)
        self.satisfied = False

    def remove_from_graph(self) -> None:
        self.target.remove_constraint(self)
        self.satisfied = False

    def choose_method(self, mark: int) -> None:
        self.satisfied = self.target.mark != mark and self.strength.stronger(self.target.walk_strength)

    def execute(self) -> None:
        raise NotImplementedError

    def inputs_do(self, action: Callable[[Variable], None]) -> None:
        pass

    def inputs_has_one(self, test: Callable[[Variable], bool]) -> bool:
        return False

    def mark_unsatisfied(self) -> None:
        self.satisfied = False

    def output(self) -> Variable:
        return self.target

    def recalculate(self) -> None:
        self.target.walk_strength = self.strength
        self.target.stay = not self.is_input()
        if self.target.stay:
            self.execute()


class EditConstraint(UnaryConstraint):
    """Marks a variable that the outside is about to change."""

    def is_input(self) -> bool:
        return True

    def execute(self) -> None:
        pass


class StayConstraint(UnaryConstraint):
    """A variable that should keep its value."""

    def execute(self) -> None:
        pass


NONE = 0
FORWARD = 1
BACKWARD = 2


class BinaryConstraint(Constraint):
    def __init__(self, first: Variable, second: Variable, symbol: Symbol) -> None:
        super().__init__(symbol)
        self.first = first
        self.second = second
        self.direction = NONE

    def is_satisfied(self) -> bool:
        return self.direction != NONE

    def add_to_graph(self) -> None:
        self.first.add_constraint(self)
        self.second.add_constraint(self)
        self.direction = NONE

    def remove_from_graph(self) -> None:
        self.first.remove_constraint(self)
        self.second.remove_constraint(self)
        self.direction = NONE

    def choose_method(self, mark: int) -> None:
        if self.first.mark == mark:
            if self.second.mark != mark and self.strength.stronger(self.second.walk_strength):
                self.direction = FORWARD
            else:
                self.direction = NONE
        elif self.second.mark == mark:
            if self.first.mark != mark and self.strength.stronger(self.first.walk_strength):
                self.direction = BACKWARD
            else:
                self.direction = NONE
        elif self.first.walk_strength.weaker(self.second.walk_strength):
            if self.strength.stronger(self.first.walk_strength):
                self.direction = BACKWARD
            else:
                self.direction = NONE
        elif self.strength.stronger(self.second.walk_strength):
            self.direction = FORWARD
        else:
            self.direction = NONE

    def inputs_do(self, action: Callable[[Variable], None]) -> None:
        if self.direction == FORWARD:
            action(self.first)
        else:
            action(self.second)

    def inputs_has_one(self, test: Callable[[Variable], bool]) -> bool:
        if self.direction == FORWARD:
            return test(self.first)
        return test(self.second)

    def mark_unsatisfied(self) -> None:
        self.direction = NONE

    def output(self) -> Variable:
        return self.second if self.direction == FORWARD else self.first

    def recalculate(self) -> None:
        if self.direction == FORWARD:
            source = self.first
            out = self.second
        else:
            source = self.second
            out = self.first
        out.walk_strength = self.strength.weakest(source.walk_strength)
        out.stay = source.stay
        if out.stay:
            self.execute()


class EqualityConstraint(BinaryConstraint):
    def __init__(self, first: Variable, second: Variable, symbol: Symbol, planner: Planner) -> None:
        super().__init__(first, second, symbol)
        self.add_constraint(planner)

    def execute(self) -> None:
        if self.direction == FORWARD:
            self.second.value = self.first.value
        else:
            self.first.value = self.second.value


class ScaleConstraint(BinaryConstraint):
    """``destination = source * scale + offset``; scale and offset are read-only inputs."""

    def __init__(
        self,
        source: Variable,
        scale: Variable,
        offset: Variable,
        destination: Variable,
        symbol: Symbol,
        planner: Planner,
    ) -> None:
        super().__init__(source, destination, symbol)
        self.scale = scale
        self.offset = offset
        self.add_constraint(planner)

    def add_to_graph(self) -> None:
        super().add_to_graph()
        self.scale.add_constraint(self)
        self.offset.add_constraint(self)

    def remove_from_graph(self) -> None:
        super().remove_from_graph()
        self.scale.remove_constraint(self)
        self.offset.remove_constraint(self)

    def execute(self) -> None:
        if self.direction == FORWARD:
            self.second.value = self.first.value * self.scale.value + self.offset.value
        else:
            self.first.value = (self.second.value - self.offset.value) // self.scale.value

    def inputs_do(self, action: Callable[[Variable], None]) -> None:
        if self.direction == FORWARD:
            action(self.first)
        else:
            action(self.second)
        action(self.scale)
        action(self.offset)

    def recalculate(self) -> None:
        if self.direction == FORWARD:
            source = self.first
            out = self.second
        else:
            source = self.second
            out = self.first
        out.walk_strength = self.strength.weakest(source.walk_strength)
        out.stay = source.stay and self.scale.stay and self.offset.stay
        if out.stay:
            self.execute()


class Planner:
    def __init__(self) -> None:
        self.current_mark = 1

    def new_mark(self) -> int:
        self.current_mark += 1
        return self.current_mark

    def incremental_add(self, constraint: Constraint) -> None:
        mark = self.new_mark()
        overridden = constraint.satisfy(mark, self)
        while overridden is not None:
            overridden = overridden.satisfy(mark, self)

    def incremental_remove(self, constraint: Constraint) -> None:
        out = constraint.output()
        constraint.mark_unsatisfied()
        constraint.remove_from_graph()
        unsatisfied = self.remove_propagate_from(out)
        unsatisfied.for_each(self.incremental_add)

    def extract_plan(self, constraints: Vector[Constraint]) -> Plan:
        sources: Vector[Constraint] = Vector()

        def add_source(constraint: Constraint) -> None:
            if constraint.is_input() and constraint.is_satisfied():
                sources.append(constraint)

        constraints.for_each(add_source)
        return self.make_plan(sources)

    def make_plan(self, sources: Vector[Constraint]) -> Plan:
        mark = self.new_mark()
        plan = Plan()
        todo = sources
        while not todo.is_empty():
            constraint = todo.remove_first()
            if constraint.output().mark != mark and constraint.inputs_known(mark):
                plan.append(constraint)
                constraint.output().mark = mark
                self.add_constraints_consuming(constraint.output(), todo)
        return plan

    def add_propagate(self, constraint: Constraint, mark: int) -> bool:
        """Carry what ``constraint`` means downstream; False at a cycle."""
        todo: Vector[Constraint] = Vector.of(constraint)
        while not todo.is_empty():
            downstream = todo.remove_first()
            if downstream.output().mark == mark:
                self.incremental_remove(constraint)
                return False
            downstream.recalculate()
            self.add_constraints_consuming(downstream.output(), todo)
        return True

    def add_constraints_consuming(self, variable: Variable, into: Vector[Constraint]) -> None:
        determining = variable.determined_by

        def add_consumer(constraint: Constraint) -> None:
            if constraint is not determining and constraint.is_satisfied():
                into.append(constraint)

        variable.constraints.for_each(add_consumer)

    def constraints_consuming(self, variable: Variable, action: Callable[[Constraint], None]) -> None:
        determining = variable.determined_by

        def consider(constraint: Constraint) -> None:
            if constraint is not determining and constraint.is_satisfied():
                action(constraint)

        variable.constraints.for_each(consider)

    def remove_propagate_from(self, out: Variable) -> Vector[Constraint]:
        """Reset everything downstream of ``out``; answers what could be satisfied now, strongest first."""
        unsatisfied: Vector[Constraint] = Vector()
        out.determined_by = None
        out.walk_strength = WEAKEST
        out.stay = True
        todo: Vector[Variable] = Vector.of(out)
        while not todo.is_empty():
            variable = todo.remove_first()

            def add_unsatisfied(constraint: Constraint) -> None:
                if not constraint.is_satisfied():
                    unsatisfied.append(constraint)

            variable.constraints.for_each(add_unsatisfied)

            def follow(constraint: Constraint) -> None:
                constraint.recalculate()
                todo.append(constraint.output())

            self.constraints_consuming(variable, follow)
        sort_by_strength(unsatisfied)
        return unsatisfied

    def change(self, variable: Variable, new_value: int) -> None:
        edit = EditConstraint(variable, PREFERRED, self)
        plan = self.extract_plan(Vector.of(edit))
        for _ in range(10):
            variable.value = new_value
            plan.execute()
        edit.destroy_constraint(self)


def sort_by_strength(constraints: Vector[Constraint]) -> None:
    """By insertion, strongest first; the lists are short."""
    for i in range(1, constraints.size()):
        constraint = constraints.at(i)
        j = i - 1
        while j >= 0 and constraint.strength.stronger(constraints.at(j).strength):
            constraints.at_put(j + 1, constraints.at(j))
            j -= 1
        constraints.at_put(j + 1, constraint)


class DeltaBlue(Benchmark):
    def benchmark(self, inner: int) -> bool:
        self.chain_test(inner)
        self.projection_test(inner)
        return True

    def chain_test(self, n: int) -> None:
        """A chain of ``n`` equalities from first to last; each value set at the head arrives at the tail."""
        planner = Planner()
        variables = [Variable() for _ in range(n + 1)]
        for i in range(n):
            EqualityConstraint(variables[i], variables[i + 1], REQUIRED, planner)
        StayConstraint(variables[n], STRONG_DEFAULT, planner)
        edit = EditConstraint(variables[0], PREFERRED, planner)
        plan = planner.extract_plan(Vector.of(edit))
        for value in range(1, 101):
            variables[0].value = value
            plan.execute()
            if variables[n].value != value:
                raise ValueError("Chain test failed")
        edit.destroy_constraint(planner)

    def projection_test(self, n: int) -> None:
        """``n`` pairs of a source and a destination that is its tenfold plus 1000."""
        planner = Planner()
        destinations: Vector[Variable] = Vector()
        scale = Variable(10)
        offset = Variable(1000)
        source = Variable()
        destination = Variable()
        for i in range(1, n + 1):
            source = Variable(i)
            destination = Variable(i)
            destinations.append(destination)
            StayConstraint(source, DEFAULT, planner)
            ScaleConstraint(source, scale, offset, destination, REQUIRED, planner)
        planner.change(source, 17)
        if destination.value != 1170:
            raise ValueError("Projection 1 failed")
        planner.change(destination, 1050)
        if source.value != 5:
            raise ValueError("Projection 2 failed")
        planner.change(scale, 5)
        for i in range(n - 1):
            if destinations.at(i).value != (i + 1) * 5 + 1000:
                raise ValueError("Projection 3 failed")
        planner.change(offset, 2000)
        for i in range(n - 1):
            if destinations.at(i).value != (i + 1) * 5 + 2000:
                raise ValueError("Projection 4 failed")
