"""A node of any module that answers with the task of its execution, after a moment."""

import random

from tutti import node


@node("")
def echo(task):
    task.sleep(random.random() * 0.05)
    return {"task": task.id}
