"""The enums, with the numbers that the messages carry, and the nodes' ids. Each name is there with and without its kind."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    NODE_INACTIVE = INACTIVE = 0
    NODE_ERROR = ERROR = 1
    NODE_IDLE = IDLE = 2
    NODE_INITIALIZING = INITIALIZING = 3
    NODE_RUNNING = RUNNING = 4
    NODE_TERMINATING = TERMINATING = 5


class TaskStatus(IntEnum):
    TASK_WAITING = WAITING = 0
    TASK_ERROR = ERROR = 1
    TASK_RUNNING = RUNNING = 2
    TASK_SUCCEEDED = SUCCEEDED = 3


class ErrorCode(IntEnum):
    NO_ERROR = 0
    INTERNAL_ERROR = 1


class CmdNode(IntEnum):
    NO_CMD_NODE = NO_CMD = 0
    START_NODE = START = 1
    STOP_NODE = STOP = 2
    RESET_NODE = RESET = 3
    TERMINATE_NODE = TERMINATE = 4


class CmdTask(IntEnum):
    NO_CMD_TASK = NO_CMD = 0
    STOP_TASK = STOP = 1
    RESET_TASK = RESET = 2
    PREEMPT_TASK = PREEMPT = 3
    TERMINATE_TASK = TERMINATE = 4


NodeID_ID_APP_REQUIREMENTS = 0
NodeID_ID_CARBON_FOOTPRINT = 1
NodeID_ID_HW_CONSTRAINTS = 2
NodeID_ID_HW_RESOURCES = 3
NodeID_ID_ML_MODEL_METADATA = 4
NodeID_ID_ML_MODEL = 5
NodeID_MAX = 6
NodeID_ID_ORCHESTRATOR = 7
NodeID_UNKNOWN = 8
