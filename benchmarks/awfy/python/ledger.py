"""Ledger: accounts in a dictionary, transfers between them, some refused; the day's ordinary business program."""

from __future__ import annotations

from .som import Benchmark, Random


class InsufficientFunds(Exception):
    pass


class Account:
    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0
        self.history: list[int] = []

    def deposit(self, amount: int) -> None:
        self.balance += amount
        self.history.append(amount)

    def withdraw(self, amount: int) -> None:
        if amount > self.balance:
            raise InsufficientFunds("insufficient funds")
        self.balance -= amount
        self.history.append(-amount)


class Bank:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.refused = 0

    def open(self, owner: str) -> None:
        account = Account(owner)
        account.deposit(100)
        self.accounts[owner] = account

    def transfer(self, amount: int, source: str, target: str) -> None:
        try:
            self.accounts[source].withdraw(amount)
        except InsufficientFunds:
            self.refused += 1
            return
        self.accounts[target].deposit(amount)

    def total(self) -> int:
        return sum(account.balance for account in self.accounts.values())


class Ledger(Benchmark):
    def run(self) -> int:
        random = Random()
        bank = Bank()
        names = ["account" + str(i) for i in range(50)]
        for name in names:
            bank.open(name)
        for _ in range(1000):
            source = names[random.next() % 50]
            target = names[random.next() % 50]
            bank.transfer(random.next() % 60, source, target)
        entries = 0
        for account in bank.accounts.values():
            entries += len(account.history)
        return bank.total() * 10000 + bank.refused * 2 + entries

    def verify(self, result: int) -> bool:
        return result == 50002050
