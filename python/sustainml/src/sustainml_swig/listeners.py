"""What a node calls: subclasses say what is done."""

from __future__ import annotations

from typing import Any

from .messages import (
    AppRequirements,
    CO2Footprint,
    HWConstraints,
    HWResource,
    MLModel,
    MLModelMetadata,
    NodeStatus,
    RequestType,
    ResponseType,
    UserInput,
)


class RequestReplyListener:
    def on_configuration_request(self, req: RequestType, res: ResponseType) -> None:
        """Answers a configuration query by what it sets in ``res``."""


class TaskListener:
    """Each ``on_new_task_available`` gets its inputs, then the status, then the output, which it fills."""

    on_new_task_available: Any


class AppRequirementsTaskListener(TaskListener):
    def on_new_task_available(
        self, user_input: UserInput, node_status: NodeStatus, app_requirements: AppRequirements
    ) -> None:
        pass


class CarbonFootprintTaskListener(TaskListener):
    def on_new_task_available(
        self,
        ml_model: MLModel,
        user_input: UserInput,
        hw: HWResource,
        node_status: NodeStatus,
        co2: CO2Footprint,
    ) -> None:
        pass


class HardwareConstraintsTaskListener(TaskListener):
    def on_new_task_available(
        self, user_input: UserInput, node_status: NodeStatus, hw_constraints: HWConstraints
    ) -> None:
        pass


class HardwareResourcesTaskListener(TaskListener):
    def on_new_task_available(
        self,
        ml_model: MLModel,
        app_requirements: AppRequirements,
        hw_constraints: HWConstraints,
        node_status: NodeStatus,
        hw: HWResource,
    ) -> None:
        pass


class MLModelMetadataTaskListener(TaskListener):
    def on_new_task_available(
        self, user_input: UserInput, node_status: NodeStatus, ml_model_metadata: MLModelMetadata
    ) -> None:
        pass


class MLModelTaskListener(TaskListener):
    def on_new_task_available(
        self,
        ml_model_metadata: MLModelMetadata,
        app_requirements: AppRequirements,
        hw_constraints: HWConstraints,
        ml_model_baseline: MLModel,
        hw_baseline: HWResource,
        carbonfootprint_baseline: CO2Footprint,
        node_status: NodeStatus,
        ml_model: MLModel,
    ) -> None:
        pass
