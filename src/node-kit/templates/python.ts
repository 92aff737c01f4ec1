import type { Template } from './template.js';
import { commonFiles } from './typescript.js';

/** A node in Python: the work as a function of its own, so that it can be tested without anything else. */
export const pythonNode: Template = ({ name, packageRoot }) => ({
  'requirements.txt': `tutti @ file://${packageRoot}/python\n`,
  'work.py': `"""The work of the module ${name}, independent of nodes."""

from __future__ import annotations

from typing import Dict, Union


def work(text: str) -> Dict[str, Union[int, str]]:
    """How many words there are, and the longest of them."""
    words = text.split()
    longest = max(words, key=len, default="")
    return {"words": len(words), "longest": longest}
`,
  'node.py': `"""The module ${name} as a node: python3 node.py"""

from typing import Dict, Union

from tutti import Record, Task, node

from work import work


class UserInput(Record):
    text: str


class Inputs(Record):
    """Its inputs, by their names in the graph."""

    user_input: UserInput


@node("${name}")
def run(task: Task[Inputs, Record]) -> Dict[str, Union[int, str]]:
    text = task.inputs.user_input.text
    task.log.info("counting", {"characters": len(text)})
    return work(text)
`,
  'test_work.py': `"""python3 -m unittest"""

import unittest

from work import work


class WorkTest(unittest.TestCase):
    def test_it_counts_the_words_and_finds_the_longest(self) -> None:
        self.assertEqual(work("all together now"), {"words": 3, "longest": "together"})

    def test_of_nothing_it_makes_nothing(self) -> None:
        self.assertEqual(work("  "), {"words": 0, "longest": ""})


if __name__ == "__main__":
    unittest.main()
`,
  ...commonFiles(name, {
    start: 'python3 node.py',
    test: 'python3 -m unittest && tutti node-kit run tasks.jsonl --expect -- python3 node.py',
    dev: 'tutti node-kit dev -- python3 node.py',
    node: 'python3 node.py',
  }),
});
