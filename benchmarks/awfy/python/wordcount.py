"""WordCount: counts words in a Dictionary, then finds the most frequent one."""

from __future__ import annotations

from .som import Benchmark, Random


class WordCount(Benchmark):
    def run(self) -> int:
        words = self.make_words(4000)
        counts: dict[str, int] = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        best = 0
        total = 0
        for count in counts.values():
            total += count
            if count > best:
                best = count
        return total * 1000 + len(counts) + best

    def make_words(self, count: int) -> list[str]:
        random = Random()
        syllables = ["ba", "to", "mi", "ne", "ku", "sa", "lo"]
        words = []
        for _ in range(count):
            word = ""
            for _ in range(random.next() % 3 + 1):
                word += syllables[random.next() % 7]
            words.append(word)
        return words

    def verify(self, result: int) -> bool:
        return result == 4000595
