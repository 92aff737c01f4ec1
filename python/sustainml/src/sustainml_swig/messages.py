"""The messages of the SustainML framework, field for field."""

from __future__ import annotations

from typing import Any, Tuple

from . import checks
from .constants import ErrorCode, Status, TaskStatus
from .fields import Field, Live, Message, Scalar
from .vectors import std_string_vec, uint8_t_vector


def _text() -> Field:
    return Scalar(checks.text, "")


def _double() -> Field:
    return Scalar(checks.real, 0.0)


def _uint32() -> Field:
    return Scalar(checks.uint32, 0)


def _int32(default: int = 0) -> Field:
    """Enums, too, which the framework gives as plain numbers."""
    return Scalar(checks.int32, int(default))


def _truth() -> Field:
    return Scalar(checks.truth, False)


def _texts() -> Field:
    return Live(std_string_vec, list)


def _octets() -> Field:
    return Live(uint8_t_vector, bytes)


class TaskId(Message):
    """Which problem, and which iteration of it; (0, 0) is invalid."""

    problem_id = _uint32()
    iteration_id = _uint32()

    def __init__(self, *arguments: Any) -> None:
        """Nothing, another one, or the two numbers."""
        super().__init__(*(arguments if len(arguments) != 2 else ()))
        if len(arguments) == 2:
            self.problem_id(arguments[0])
            self.iteration_id(arguments[1])

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, TaskId):
            return NotImplemented
        return self._numbers() < other._numbers()

    def _numbers(self) -> Tuple[int, int]:
        return self.problem_id(), self.iteration_id()

    def __repr__(self) -> str:
        return "{%d,%d}" % self._numbers()


def _task_id() -> Field:
    return Live(TaskId, TaskId._numbers)


class UserInput(Message):
    modality = _text()
    problem_short_description = _text()
    problem_definition = _text()
    inputs = _texts()
    outputs = _texts()
    minimum_samples = _uint32()
    maximum_samples = _uint32()
    optimize_carbon_footprint_manual = _truth()
    previous_iteration = _int32()
    optimize_carbon_footprint_auto = _truth()
    desired_carbon_footprint = _double()
    geo_location_continent = _text()
    geo_location_region = _text()
    extra_data = _octets()
    task_id = _task_id()


class MLModelMetadata(Message):
    keywords = _texts()
    ml_model_metadata = _texts()
    extra_data = _octets()
    task_id = _task_id()


class AppRequirements(Message):
    app_requirements = _texts()
    extra_data = _octets()
    task_id = _task_id()


class HWConstraints(Message):
    max_memory_footprint = _uint32()
    hardware_required = _texts()
    extra_data = _octets()
    task_id = _task_id()


class MLModel(Message):
    model_path = _text()
    model = _text()
    raw_model = _octets()
    model_properties_path = _text()
    model_properties = _text()
    input_batch = _texts()
    target_latency = _double()
    extra_data = _octets()
    task_id = _task_id()


class HWResource(Message):
    hw_description = _text()
    power_consumption = _double()
    latency = _double()
    memory_footprint_of_ml_model = _double()
    max_hw_memory_footprint = _double()
    extra_data = _octets()
    task_id = _task_id()


class CO2Footprint(Message):
    carbon_footprint = _double()
    energy_consumption = _double()
    carbon_intensity = _double()
    extra_data = _octets()
    task_id = _task_id()


class NodeStatus(Message):
    node_status = _int32(Status.NODE_IDLE)
    task_status = _int32(TaskStatus.TASK_SUCCEEDED)
    error_code = _int32(ErrorCode.NO_ERROR)
    error_description = _text()
    node_name = _text()
    task_id = _task_id()

    def update(self, status: Any) -> None:
        self.node_status(status)


class RequestType(Message):
    node_id = _int32()
    transaction_id = _int32()
    configuration = _text()


class ResponseType(Message):
    node_id = _int32()
    transaction_id = _int32()
    success = _truth()
    err_code = _int32(ErrorCode.NO_ERROR)
    configuration = _text()


def set_task_id(problem_id: int, iteration_id: int) -> TaskId:
    return TaskId(problem_id, iteration_id)


def get_task_id(node_id: int, data: Any) -> TaskId:
    """Of what the node with this id has put out."""
    checks.int32(node_id, "get_task_id.node_id")
    if not isinstance(data, Message) or "task_id" not in data.fields:
        raise checks.wrong(data, "get_task_id.data", "the output of a node")
    found: TaskId = data.fields["task_id"].access(data)
    return found
