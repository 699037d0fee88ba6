"""CD: aircraft fly through a box for 200 frames; a detector counts those that collide within a frame.

A voxel map sorts out which aircraft come near each other; then each pair's paths are intersected. Both the map and
the last known positions are red-black trees. The suite's collision counts verify the result.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, sin, sqrt
from typing import Any

from .som import Benchmark, Vector

MIN_X = 0.0
MIN_Y = 0.0
MAX_X = 1000.0
MAX_Y = 1000.0
MIN_Z = 0.0
MAX_Z = 10.0
PROXIMITY_RADIUS = 1.0
VOXEL_SIZE = PROXIMITY_RADIUS * 2.0

COLLISIONS = {1000: 14484, 500: 14484, 250: 10830, 200: 8655, 100: 4305, 10: 390, 2: 42}
"""Aircraft to collisions in 200 frames, as published."""


def compare_numbers(a: float, b: float) -> int:
    if a == b:
        return 0
    if a < b:
        return -1
    return 1


class Vector2D:
    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y

    def plus(self, other: Vector2D) -> Vector2D:
        return Vector2D(self.x + other.x, self.y + other.y)

    def minus(self, other: Vector2D) -> Vector2D:
        return Vector2D(self.x - other.x, self.y - other.y)

    def compare_to(self, other: Vector2D) -> int:
        result = compare_numbers(self.x, other.x)
        if result != 0:
            return result
        return compare_numbers(self.y, other.y)


HORIZONTAL = Vector2D(VOXEL_SIZE, 0.0)
VERTICAL = Vector2D(0.0, VOXEL_SIZE)


class Vector3D:
    def __init__(self, x: float, y: float, z: float) -> None:
        self.x = x
        self.y = y
        self.z = z

    def plus(self, other: Vector3D) -> Vector3D:
        return Vector3D(self.x + other.x, self.y + other.y, self.z + other.z)

    def minus(self, other: Vector3D) -> Vector3D:
        return Vector3D(self.x - other.x, self.y - other.y, self.z - other.z)

    def dot(self, other: Vector3D) -> float:
        return self.x * other.x + self.y * other.y + self.z * other.z

    def squared_magnitude(self) -> float:
        return self.dot(self)

    def magnitude(self) -> float:
        return sqrt(self.squared_magnitude())

    def times(self, amount: float) -> Vector3D:
        return Vector3D(self.x * amount, self.y * amount, self.z * amount)


class CallSign:
    def __init__(self, value: int) -> None:
        self.value = value

    def compare_to(self, other: CallSign) -> int:
        if self.value == other.value:
            return 0
        if self.value < other.value:
            return -1
        return 1


class Aircraft:
    def __init__(self, callsign: CallSign, position: Vector3D) -> None:
        self.callsign = callsign
        self.position = position


class Collision:
    def __init__(self, first: CallSign, second: CallSign, position: Vector3D) -> None:
        self.first = first
        self.second = second
        self.position = position


class Node:
    def __init__(self, key: Any, value: Any) -> None:
        self.key = key
        self.value = value
        self.left: Node | None = None
        self.right: Node | None = None
        self.parent: Node | None = None
        self.is_red = True

    def successor(self) -> Node | None:
        x: Node = self
        if x.right is not None:
            return tree_minimum(x.right)
        y = x.parent
        while y is not None and x is y.right:
            x = y
            y = y.parent
        return y


def tree_minimum(node: Node) -> Node:
    current = node
    while current.left is not None:
        current = current.left
    return current


class RedBlackTree:
    """Cormen, Leiserson, Rivest and Stein's tree. Keys answer ``compare_to``."""

    def __init__(self) -> None:
        self.root: Any = None

    def put(self, key: Any, value: Any) -> Any:
        """Answers the value that was there before, or None."""
        y: Node | None = None
        x = self.root
        comparison = 0
        while x is not None:
            y = x
            comparison = key.compare_to(x.key)
            if comparison < 0:
                x = x.left
            elif comparison > 0:
                x = x.right
            else:
                old = x.value
                x.value = value
                return old
        z = Node(key, value)
        z.parent = y
        if y is None:
            self.root = z
        elif comparison < 0:
            y.left = z
        else:
            y.right = z
        self.fix_after_insert(z)
        return None

    def fix_after_insert(self, node: Node) -> None:
        x: Any = node
        while x is not self.root and x.parent.is_red:
            if x.parent is x.parent.parent.left:
                y = x.parent.parent.right
                if y is not None and y.is_red:
                    x.parent.is_red = False
                    y.is_red = False
                    x.parent.parent.is_red = True
                    x = x.parent.parent
                else:
                    if x is x.parent.right:
                        x = x.parent
                        self.rotate_left(x)
                    x.parent.is_red = False
                    x.parent.parent.is_red = True
                    self.rotate_right(x.parent.parent)
            else:
                y = x.parent.parent.left
                if y is not None and y.is_red:
                    x.parent.is_red = False
                    y.is_red = False
                    x.parent.parent.is_red = True
                    x = x.parent.parent
                else:
                    if x is x.parent.left:
                        x = x.parent
                        self.rotate_right(x)
                    x.parent.is_red = False
                    x.parent.parent.is_red = True
                    self.rotate_left(x.parent.parent)
        self.root.is_red = False

    def remove(self, key: Any) -> Any:
        """Answers the value removed, or None where the key is not here."""
        z: Any = self.find_node(key)
        if z is None:
            return None
        y: Any = z if z.left is None or z.right is None else z.successor()
        x: Any = y.left if y.left is not None else y.right
        x_parent: Any = y.parent
        if x is not None:
            x.parent = x_parent
        if y.parent is None:
            self.root = x
        elif y is y.parent.left:
            y.parent.left = x
        else:
            y.parent.right = x
        if y is not z:
            if not y.is_red:
                self.fix_after_remove(x, x_parent)
            y.parent = z.parent
            y.is_red = z.is_red
            y.left = z.left
            y.right = z.right
            if z.left is not None:
                z.left.parent = y
            if z.right is not None:
                z.right.parent = y
            if z.parent is None:
                self.root = y
            elif z.parent.left is z:
                z.parent.left = y
            else:
                z.parent.right = y
        elif not y.is_red:
            self.fix_after_remove(x, x_parent)
        return z.value

    def fix_after_remove(self, node: Any, parent: Any) -> None:
        x = node
        x_parent = parent
        while x is not self.root and (x is None or not x.is_red):
            if x is x_parent.left:
                w = x_parent.right
                if w.is_red:
                    w.is_red = False
                    x_parent.is_red = True
                    self.rotate_left(x_parent)
                    w = x_parent.right
                if (w.left is None or not w.left.is_red) and (w.right is None or not w.right.is_red):
                    w.is_red = True
                    x = x_parent
                    x_parent = x.parent
                else:
                    if w.right is None or not w.right.is_red:
                        w.left.is_red = False
                        w.is_red = True
                        self.rotate_right(w)
                        w = x_parent.right
                    w.is_red = x_parent.is_red
                    x_parent.is_red = False
                    if w.right is not None:
                        w.right.is_red = False
                    self.rotate_left(x_parent)
                    x = self.root
                    x_parent = None
            else:
                w = x_parent.left
                if w.is_red:
                    w.is_red = False
                    x_parent.is_red = True
                    self.rotate_right(x_parent)
                    w = x_parent.left
                if (w.right is None or not w.right.is_red) and (w.left is None or not w.left.is_red):
                    w.is_red = True
                    x = x_parent
                    x_parent = x.parent
                else:
                    if w.left is None or not w.left.is_red:
                        w.right.is_red = False
                        w.is_red = True
                        self.rotate_left(w)
                        w = x_parent.left
                    w.is_red = x_parent.is_red
                    x_parent.is_red = False
                    if w.left is not None:
                        w.left.is_red = False
                    self.rotate_right(x_parent)
                    x = self.root
                    x_parent = None
        if x is not None:
            x.is_red = False

    def get(self, key: Any) -> Any:
        node = self.find_node(key)
        if node is None:
            return None
        return node.value

    def for_each(self, action: Callable[[Any, Any], Any]) -> None:
        """``action(key, value)`` in the order of the keys."""
        if self.root is None:
            return
        current: Node | None = tree_minimum(self.root)
        while current is not None:
            action(current.key, current.value)
            current = current.successor()

    def find_node(self, key: Any) -> Node | None:
        current = self.root
        while current is not None:
            comparison = key.compare_to(current.key)
            if comparison == 0:
                return current
            current = current.left if comparison < 0 else current.right
        return None

    def rotate_left(self, x: Any) -> None:
        y = x.right
        x.right = y.left
        if y.left is not None:
            y.left.parent = x
        y.parent = x.parent
        if x.parent is None:
            self.root = y
        elif x is x.parent.left:
            x.parent.left = y
        else:
            x.parent.right = y
        y.left = x
        x.parent = y

    def rotate_right(self, y: Any) -> None:
        x = y.left
        y.left = x.right
        if x.right is not None:
            x.right.parent = y
        x.parent = y.parent
        if y.parent is None:
            self.root = x
        elif y is y.parent.left:
            y.parent.left = x
        else:
            y.parent.right = x
        x.right = y
        y.parent = x


class Motion:
    """An aircraft's way within one frame."""

    def __init__(self, callsign: CallSign, start: Vector3D, end: Vector3D) -> None:
        self.callsign = callsign
        self.start = start
        self.end = end

    def delta(self) -> Vector3D:
        return self.end.minus(self.start)

    def find_intersection(self, other: Motion) -> Vector3D | None:
        """Where the two come within the proximity radius of each other at one time, or None."""
        start1 = self.start
        start2 = other.start
        vector1 = self.delta()
        vector2 = other.delta()
        radius = PROXIMITY_RADIUS
        # At time t the two are |(start2 - start1) + (vector2 - vector1) * t| apart: a quadratic in t.
        a = vector2.minus(vector1).squared_magnitude()
        if a != 0.0:
            b = 2.0 * start1.minus(start2).dot(vector1.minus(vector2))
            c = (0.0 - radius) * radius + start2.minus(start1).squared_magnitude()
            discriminant = b * b - 4.0 * a * c
            if discriminant < 0.0:
                return None
            v1 = (0.0 - b - sqrt(discriminant)) / (2.0 * a)
            v2 = (0.0 - b + sqrt(discriminant)) / (2.0 * a)
            if v1 <= v2 and ((v1 <= 1.0 and 1.0 <= v2) or (v1 <= 0.0 and 0.0 <= v2) or (0.0 <= v1 and v2 <= 1.0)):
                v = 0.0 if v1 <= 0.0 else v1
                result = start1.plus(vector1.times(v)).plus(start2.plus(vector2.times(v))).times(0.5)
                if MIN_X <= result.x <= MAX_X and MIN_Y <= result.y <= MAX_Y and MIN_Z <= result.z <= MAX_Z:
                    return result
            return None
        # Parallel and equally fast: either near all the time, or never.
        if start2.minus(start1).magnitude() <= radius:
            return start1.plus(start2).times(0.5)
        return None


class CollisionDetector:
    def __init__(self) -> None:
        self.state = RedBlackTree()

    def handle_new_frame(self, frame: Vector[Aircraft]) -> Vector[Collision]:
        motions: Vector[Motion] = Vector()
        seen = RedBlackTree()

        def move(aircraft: Aircraft) -> None:
            old_position = self.state.put(aircraft.callsign, aircraft.position)
            new_position = aircraft.position
            seen.put(aircraft.callsign, True)
            if old_position is None:
                old_position = new_position
            motions.append(Motion(aircraft.callsign, old_position, new_position))

        frame.for_each(move)
        to_remove: Vector[CallSign] = Vector()

        def note_missing(callsign: CallSign, _: Vector3D) -> None:
            if not seen.get(callsign):
                to_remove.append(callsign)

        self.state.for_each(note_missing)
        to_remove.for_each(lambda callsign: self.state.remove(callsign))

        collisions: Vector[Collision] = Vector()

        def collide(reduced: Vector[Motion]) -> None:
            for i in range(reduced.size()):
                motion1 = reduced.at(i)
                for j in range(i + 1, reduced.size()):
                    motion2 = reduced.at(j)
                    position = motion1.find_intersection(motion2)
                    if position is not None:
                        collisions.append(Collision(motion1.callsign, motion2.callsign, position))

        self.reduce_collision_set(motions).for_each(collide)
        return collisions

    def is_in_voxel(self, voxel: Vector2D, motion: Motion) -> bool:
        """Does the motion, with half the proximity radius around it, touch the voxel?"""
        if voxel.x > MAX_X or voxel.x < MIN_X or voxel.y > MAX_Y or voxel.y < MIN_Y:
            return False
        start = motion.start
        end = motion.end
        size = VOXEL_SIZE
        radius = PROXIMITY_RADIUS / 2.0

        # When (as a share of the frame) the motion enters and leaves the voxel's strip in x, then in y.
        # A motion that stands still in one of them has no such times: it is in the strip or it is not.
        voxel_x = voxel.x
        start_x = start.x
        speed_x = end.x - start.x
        low_x = 0.0
        high_x = 0.0
        if speed_x == 0.0:
            inside_x = voxel_x <= start_x + radius and start_x - radius <= voxel_x + size
        else:
            low_x = (voxel_x - radius - start_x) / speed_x
            high_x = (voxel_x + size + radius - start_x) / speed_x
            if speed_x < 0.0:
                low_x, high_x = high_x, low_x
            inside_x = (
                (low_x <= 1.0 and 1.0 <= high_x) or (low_x <= 0.0 and 0.0 <= high_x) or (0.0 <= low_x and high_x <= 1.0)
            )
        if not inside_x:
            return False

        voxel_y = voxel.y
        start_y = start.y
        speed_y = end.y - start.y
        low_y = 0.0
        high_y = 0.0
        if speed_y == 0.0:
            inside_y = voxel_y <= start_y + radius and start_y - radius <= voxel_y + size
        else:
            low_y = (voxel_y - radius - start_y) / speed_y
            high_y = (voxel_y + size + radius - start_y) / speed_y
            if speed_y < 0.0:
                low_y, high_y = high_y, low_y
            inside_y = (
                (low_y <= 1.0 and 1.0 <= high_y) or (low_y <= 0.0 and 0.0 <= high_y) or (0.0 <= low_y and high_y <= 1.0)
            )
        if not inside_y:
            return False

        return (
            speed_x == 0.0
            or speed_y == 0.0
            or (low_y <= high_x and high_x <= high_y)
            or (low_y <= low_x and low_x <= high_y)
            or (low_x <= low_y and high_y <= high_x)
        )

    def put_into_map(self, voxel_map: RedBlackTree, voxel: Vector2D, motion: Motion) -> None:
        motions = voxel_map.get(voxel)
        if motions is None:
            motions = Vector()
            voxel_map.put(voxel, motions)
        motions.append(motion)

    def recurse(self, voxel_map: RedBlackTree, seen: RedBlackTree, voxel: Vector2D, motion: Motion) -> None:
        if not self.is_in_voxel(voxel, motion):
            return
        if seen.put(voxel, True) is True:
            return
        self.put_into_map(voxel_map, voxel, motion)
        self.recurse(voxel_map, seen, voxel.minus(HORIZONTAL), motion)
        self.recurse(voxel_map, seen, voxel.plus(HORIZONTAL), motion)
        self.recurse(voxel_map, seen, voxel.minus(VERTICAL), motion)
        self.recurse(voxel_map, seen, voxel.plus(VERTICAL), motion)
        self.recurse(voxel_map, seen, voxel.minus(HORIZONTAL).minus(VERTICAL), motion)
        self.recurse(voxel_map, seen, voxel.minus(HORIZONTAL).plus(VERTICAL), motion)
        self.recurse(voxel_map, seen, voxel.plus(HORIZONTAL).minus(VERTICAL), motion)
        self.recurse(voxel_map, seen, voxel.plus(HORIZONTAL).plus(VERTICAL), motion)

    def reduce_collision_set(self, motions: Vector[Motion]) -> Vector[Vector[Motion]]:
        """The motions that share a voxel, voxel by voxel."""
        voxel_map = RedBlackTree()
        motions.for_each(lambda motion: self.draw_motion(voxel_map, motion))
        result: Vector[Vector[Motion]] = Vector()

        def keep(_: Vector2D, sharing: Vector[Motion]) -> None:
            if sharing.size() > 1:
                result.append(sharing)

        voxel_map.for_each(keep)
        return result

    def voxel_at(self, position: Vector3D) -> Vector2D:
        x = VOXEL_SIZE * int(position.x / VOXEL_SIZE)
        y = VOXEL_SIZE * int(position.y / VOXEL_SIZE)
        if position.x < 0:
            x -= VOXEL_SIZE
        if position.y < 0:
            y -= VOXEL_SIZE
        return Vector2D(x, y)

    def draw_motion(self, voxel_map: RedBlackTree, motion: Motion) -> None:
        self.recurse(voxel_map, RedBlackTree(), self.voxel_at(motion.start), motion)


class Simulator:
    def __init__(self, aircraft: int) -> None:
        self.callsigns: Vector[CallSign] = Vector()
        for i in range(aircraft):
            self.callsigns.append(CallSign(i))

    def simulate(self, time: float) -> Vector[Aircraft]:
        frame: Vector[Aircraft] = Vector()
        for i in range(0, self.callsigns.size(), 2):
            frame.append(Aircraft(self.callsigns.at(i), Vector3D(time, cos(time) * 2.0 + i * 3, 10.0)))
            frame.append(Aircraft(self.callsigns.at(i + 1), Vector3D(time, sin(time) * 2.0 + i * 3, 10.0)))
        return frame


class CD(Benchmark):
    def benchmark(self, inner: int) -> bool:
        return self.collisions(inner) == COLLISIONS.get(inner)

    def collisions(self, aircraft: int) -> int:
        simulator = Simulator(aircraft)
        detector = CollisionDetector()
        collisions = 0
        for frame in range(200):
            collisions += detector.handle_new_frame(simulator.simulate(frame / 10.0)).size()
        return collisions
