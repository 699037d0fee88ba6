"""Richards: the kernel of an operating system that schedules six tasks and the packets between them.

Martin Richards' benchmark. Each task has a function that is called with the packet it received (or none) and
its own data record, and answers which task runs next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .som import Benchmark

IDLER = 0
WORKER = 1
HANDLER_A = 2
HANDLER_B = 3
DEVICE_A = 4
DEVICE_B = 5
TASKS = 6

DEVICE_PACKET = 0
WORK_PACKET = 1
DATA_SIZE = 4

TaskFunction = Callable[["Packet | None", Any], "Task | None"]


class Packet:
    def __init__(self, link: Packet | None, identity: int, kind: int) -> None:
        self.link = link
        self.identity = identity
        self.kind = kind
        self.datum = 0
        self.data = [0] * DATA_SIZE

    def append_to(self, queue: Packet | None) -> Packet:
        """This packet at the end of ``queue``; answers the queue's head."""
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class DeviceData:
    def __init__(self) -> None:
        self.pending: Packet | None = None


class HandlerData:
    def __init__(self) -> None:
        self.work_in: Packet | None = None
        self.device_in: Packet | None = None

    def add_work(self, packet: Packet) -> None:
        self.work_in = packet.append_to(self.work_in)

    def add_device(self, packet: Packet) -> None:
        self.device_in = packet.append_to(self.device_in)


class IdleData:
    def __init__(self) -> None:
        self.control = 1
        self.count = 10000


class WorkerData:
    def __init__(self) -> None:
        self.destination = HANDLER_A
        self.count = 0


class TaskState:
    def __init__(self) -> None:
        self.packet_pending = False
        self.task_waiting = False
        self.task_holding = False

    def become_packet_pending(self) -> None:
        self.packet_pending = True
        self.task_waiting = False
        self.task_holding = False

    def become_running(self) -> None:
        self.packet_pending = False
        self.task_waiting = False
        self.task_holding = False

    def become_waiting(self) -> None:
        self.packet_pending = False
        self.task_waiting = True
        self.task_holding = False

    def become_waiting_with_packet(self) -> None:
        self.packet_pending = True
        self.task_waiting = True
        self.task_holding = False

    def is_holding_or_waiting(self) -> bool:
        return self.task_holding or (not self.packet_pending and self.task_waiting)

    def is_waiting_with_packet(self) -> bool:
        return self.packet_pending and self.task_waiting and not self.task_holding


class Task(TaskState):
    def __init__(
        self,
        link: Task | None,
        identity: int,
        priority: int,
        work: Packet | None,
        state: TaskState,
        function: TaskFunction,
        record: Any,
    ) -> None:
        super().__init__()
        self.link = link
        self.identity = identity
        self.priority = priority
        self.input: Any = work
        self.packet_pending = state.packet_pending
        self.task_waiting = state.task_waiting
        self.task_holding = state.task_holding
        self.function = function
        self.record = record

    def add_input(self, packet: Packet, old_task: Task) -> Task:
        """Queue ``packet`` here; answers which of the two tasks runs on."""
        if self.input is None:
            self.input = packet
            self.packet_pending = True
            if self.priority > old_task.priority:
                return self
        else:
            self.input = packet.append_to(self.input)
        return old_task

    def run(self) -> Task | None:
        message = None
        if self.is_waiting_with_packet():
            message = self.input
            self.input = message.link
            if self.input is None:
                self.become_running()
            else:
                self.become_packet_pending()
        return self.function(message, self.record)


class Scheduler:
    def __init__(self) -> None:
        self.tasks: Task | None = None
        self.current: Any = None
        self.current_identity = 0
        self.table: list[Task | None] = [None] * TASKS
        self.queue_count = 0
        self.hold_count = 0

    def start(self) -> bool:
        self.create_idler(IDLER, 0, None, self.running())
        queue = Packet(None, WORKER, WORK_PACKET)
        queue = Packet(queue, WORKER, WORK_PACKET)
        self.create_worker(WORKER, 1000, queue, self.waiting_with_packet())
        for handler, device, priority in ((HANDLER_A, DEVICE_A, 2000), (HANDLER_B, DEVICE_B, 3000)):
            queue = Packet(None, device, DEVICE_PACKET)
            queue = Packet(queue, device, DEVICE_PACKET)
            queue = Packet(queue, device, DEVICE_PACKET)
            self.create_handler(handler, priority, queue, self.waiting_with_packet())
        self.create_device(DEVICE_A, 4000, None, self.waiting())
        self.create_device(DEVICE_B, 5000, None, self.waiting())
        self.schedule()
        return self.queue_count == 23246 and self.hold_count == 9297

    def running(self) -> TaskState:
        return TaskState()

    def waiting(self) -> TaskState:
        state = TaskState()
        state.become_waiting()
        return state

    def waiting_with_packet(self) -> TaskState:
        state = TaskState()
        state.become_waiting_with_packet()
        return state

    def create_task(
        self, identity: int, priority: int, work: Packet | None, state: TaskState, function: TaskFunction, record: Any
    ) -> None:
        task = Task(self.tasks, identity, priority, work, state, function, record)
        self.tasks = task
        self.table[identity] = task

    def create_idler(self, identity: int, priority: int, work: Packet | None, state: TaskState) -> None:
        def idle(_: Packet | None, data: IdleData) -> Task | None:
            data.count -= 1
            if data.count == 0:
                return self.hold_self()
            if data.control & 1 == 0:
                data.control //= 2
                return self.release(DEVICE_A)
            data.control = (data.control // 2) ^ 53256
            return self.release(DEVICE_B)

        self.create_task(identity, priority, work, state, idle, IdleData())

    def create_worker(self, identity: int, priority: int, work: Packet | None, state: TaskState) -> None:
        def do_work(packet: Packet | None, data: WorkerData) -> Task | None:
            if packet is None:
                return self.wait()
            data.destination = HANDLER_B if data.destination == HANDLER_A else HANDLER_A
            packet.identity = data.destination
            packet.datum = 0
            for i in range(DATA_SIZE):
                data.count += 1
                if data.count > 26:
                    data.count = 1
                packet.data[i] = 65 + data.count - 1
            return self.queue_packet(packet)

        self.create_task(identity, priority, work, state, do_work, WorkerData())

    def create_handler(self, identity: int, priority: int, work: Packet | None, state: TaskState) -> None:
        def handle(packet: Packet | None, data: HandlerData) -> Task | None:
            if packet is not None:
                if packet.kind == WORK_PACKET:
                    data.add_work(packet)
                else:
                    data.add_device(packet)
            work_packet = data.work_in
            if work_packet is None:
                return self.wait()
            count = work_packet.datum
            if count >= DATA_SIZE:
                data.work_in = work_packet.link
                return self.queue_packet(work_packet)
            device_packet = data.device_in
            if device_packet is None:
                return self.wait()
            data.device_in = device_packet.link
            device_packet.datum = work_packet.data[count]
            work_packet.datum = count + 1
            return self.queue_packet(device_packet)

        self.create_task(identity, priority, work, state, handle, HandlerData())

    def create_device(self, identity: int, priority: int, work: Packet | None, state: TaskState) -> None:
        def serve(packet: Packet | None, data: DeviceData) -> Task | None:
            if packet is None:
                pending = data.pending
                if pending is None:
                    return self.wait()
                data.pending = None
                return self.queue_packet(pending)
            data.pending = packet
            return self.hold_self()

        self.create_task(identity, priority, work, state, serve, DeviceData())

    def find_task(self, identity: int) -> Task:
        task = self.table[identity]
        if task is None:
            raise LookupError("no such task")
        return task

    def hold_self(self) -> Task | None:
        current = self.current
        self.hold_count += 1
        current.task_holding = True
        return current.link

    def queue_packet(self, packet: Packet) -> Task | None:
        task = self.find_task(packet.identity)
        current = self.current
        self.queue_count += 1
        packet.link = None
        packet.identity = self.current_identity
        return task.add_input(packet, current)

    def release(self, identity: int) -> Task | None:
        task = self.find_task(identity)
        current = self.current
        task.task_holding = False
        if task.priority > current.priority:
            return task
        return current

    def wait(self) -> Task | None:
        current = self.current
        current.task_waiting = True
        return current

    def schedule(self) -> None:
        self.current = self.tasks
        while self.current is not None:
            task = self.current
            if task.is_holding_or_waiting():
                self.current = task.link
            else:
                self.current_identity = task.identity
                self.current = task.run()


class Richards(Benchmark):
    def run(self) -> bool:
        return Scheduler().start()

    def verify(self, result: bool) -> bool:
        return result
