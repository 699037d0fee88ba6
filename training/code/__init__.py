"""Task 1, code generation: classes of methods made up from words and skills, each method verified by running.

things.py    what people make objects of: nouns, their slots, and the theme of each slot
verbs.py     what people say to a slot of a theme
skills.py    families of methods: how they are called, and their body in Python and in message syntax
compose.py   one object with a few methods, drawn at random from a seed
others.py    the same for objects in lists, in slots and as arguments, for rules and for memories
company.py   such objects, drawn at random
verify.py    both bodies run in a scratch image on the same values, and must agree
rows.py      what came of it as rows, in the very words that the JIT asks in
"""
