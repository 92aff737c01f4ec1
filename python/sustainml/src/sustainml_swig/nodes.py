"""The six nodes, on Tutti's SDK. ``TUTTI_CONTROL`` says where the orchestrator is, in place of a DDS domain.

N1. A node is INITIALIZING from its construction, and takes work from ``spin()`` on, which blocks until its end. It never waits for an
    orchestrator, and takes no signals: they are the script's.
N2. ``terminate()`` ends all nodes of the process, for good, also one that is made afterwards. It may be called in a signal handler: it
    neither waits nor takes a lock.
N3. A node that ends otherwise (by a command, or refused for good) ends its script, too, in the way in which the script wants to be
    ended: by SIGINT to its main thread. A refusal is raised by ``spin()``.
N4. A node whose module is in no graph yet tries again until it is: as in the framework, the programs may be started in any order.
"""

from __future__ import annotations

import itertools
import queue
import signal
import threading
from typing import Any, ClassVar, Dict, List, Optional, Sequence, Type

from tutti import RunningNode, Task, TuttiError, node

from . import constants, listeners
from .checks import wrong
from .constants import Status
from .fields import Message
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
from .tasks import Given, arguments_of, output_of, raise_for, refusal_of, task_id_of

CAPACITY = 2
"""The framework's pool of threads, and so what its scripts are written for."""

_live: List[Node] = []
_is_terminated = False


class Node:
    """A node of one kind. Its listener's ``on_new_task_available`` runs in a thread of its own, two at a time."""

    module: ClassVar[str]
    node_id: ClassVar[int]
    listener: ClassVar[Type[listeners.TaskListener]]
    given: ClassVar[Sequence[Given]]
    output: ClassVar[Type[Message]]

    def __init__(
        self,
        listener: listeners.TaskListener,
        service_listener: Optional[listeners.RequestReplyListener] = None,
    ) -> None:
        if not isinstance(listener, self.listener):
            raise wrong(listener, f"{type(self).__name__}.listener", f"a {self.listener.__name__}")
        if service_listener is not None and not isinstance(service_listener, listeners.RequestReplyListener):
            raise wrong(
                service_listener, f"{type(self).__name__}.service_listener", "a RequestReplyListener"
            )
        self._listener = listener
        self._service_listener = service_listener
        self._transactions = itertools.count(1)
        self._spins = threading.Event()
        self._running: Optional[RunningNode] = None
        # Its put() can be called in a signal handler (N2), unlike that of an event or another queue.
        self._ends: queue.SimpleQueue[Optional[TuttiError]] = queue.SimpleQueue()
        _live.append(self)
        threading.Thread(target=self._serve, name=f"sustainml-{self.module}", daemon=True).start()

    def spin(self) -> None:
        """Takes work until ``terminate()``, or until the node is ended from outside. Raises ``TuttiError`` when it is refused for good."""
        self._spins.set()
        try:
            error = None if _is_terminated else self._ends.get()
        except KeyboardInterrupt:
            # In the main thread, where the script has no handler of its own.
            self._stop()
            raise
        if self in _live:
            _live.remove(self)
        if _is_terminated:
            self._stop()
            return
        if threading.current_thread() is not threading.main_thread():
            _end_script()
        if error is not None:
            raise error

    @staticmethod
    def terminate() -> None:
        global _is_terminated
        _is_terminated = True
        for each in tuple(_live):
            each._ends.put(None)

    def name(self) -> str:
        return f"{self.module.upper()}_NODE"

    def status(self) -> int:
        running = self._running
        shown = running.status if running is not None else Status.INITIALIZING.name
        return int(Status[shown])

    def _serve(self) -> None:
        """Runs from construction on, in its own thread, since there may be no orchestrator yet (N1)."""
        self._ends.put(None if _is_terminated else self._serve_once())

    def _serve_once(self) -> Optional[TuttiError]:
        """Gives why it was refused for good."""
        configure = self._configure if self._service_listener is not None else None
        made = node(self.module, capacity=CAPACITY, on_start=self._spins.wait, on_configure=configure)(
            self._execute
        )
        try:
            running = made.start()
            self._running = running
            if _is_terminated:
                self._stop()
            running.wait()
        except TuttiError as error:
            return error
        return None

    def _stop(self) -> None:
        running = self._running
        # Without an orchestrator there is nothing to stop: the network's process ends with this one.
        if running is not None:
            running.stop("the script has ended its node")

    def _execute(self, task: Task[Any, Any]) -> Dict[str, Any]:
        status, output = NodeStatus(), self.output()
        self._listener.on_new_task_available(*arguments_of(task, self.given), status, output)
        task_id = task_id_of(task.id)
        for each in (status, output):
            each.fields["task_id"].access(each, task_id)
        raise_for(status)
        return output_of(output)

    def _configure(self, configuration: str) -> str:
        request, response = RequestType(), ResponseType()
        request.node_id(self.node_id)
        request.transaction_id(next(self._transactions))
        request.configuration(configuration)
        assert self._service_listener is not None
        self._service_listener.on_configuration_request(request, response)
        refusal = refusal_of(response)
        if refusal is not None:
            raise TuttiError("configuration_refused", refusal)
        answer: str = response.configuration()
        return answer


def _end_script() -> None:
    """N3. The main thread itself is told, so that its ``time.sleep`` ends at once."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)


class AppRequirementsNode(Node):
    module = "app_requirements"
    node_id = constants.NodeID_ID_APP_REQUIREMENTS
    listener = listeners.AppRequirementsTaskListener
    given = (Given("user_input", UserInput),)
    output = AppRequirements


class CarbonFootprintNode(Node):
    module = "carbon_footprint"
    node_id = constants.NodeID_ID_CARBON_FOOTPRINT
    listener = listeners.CarbonFootprintTaskListener
    given = (
        Given("ml_model", MLModel),
        Given("user_input", UserInput),
        Given("hw_resources", HWResource),
    )
    output = CO2Footprint


class HardwareConstraintsNode(Node):
    module = "hw_constraints"
    node_id = constants.NodeID_ID_HW_CONSTRAINTS
    listener = listeners.HardwareConstraintsTaskListener
    given = (Given("user_input", UserInput),)
    output = HWConstraints


class HardwareResourcesNode(Node):
    module = "hw_resources"
    node_id = constants.NodeID_ID_HW_RESOURCES
    listener = listeners.HardwareResourcesTaskListener
    given = (
        Given("ml_model", MLModel),
        Given("app_requirements", AppRequirements),
        Given("hw_constraints", HWConstraints),
    )
    output = HWResource


class MLModelMetadataNode(Node):
    module = "ml_model_metadata"
    node_id = constants.NodeID_ID_ML_MODEL_METADATA
    listener = listeners.MLModelMetadataTaskListener
    given = (Given("user_input", UserInput),)
    output = MLModelMetadata


class MLModelNode(Node):
    module = "ml_model"
    node_id = constants.NodeID_ID_ML_MODEL
    listener = listeners.MLModelTaskListener
    given = (
        Given("ml_model_metadata", MLModelMetadata),
        Given("app_requirements", AppRequirements),
        Given("hw_constraints", HWConstraints),
        Given("ml_model", MLModel, is_baseline=True),
        Given("hw_resources", HWResource, is_baseline=True),
        Given("carbon_footprint", CO2Footprint, is_baseline=True),
    )
    output = MLModel
