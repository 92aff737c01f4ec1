"""A node that is made of two functions."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Optional, Type

from sustainml_swig import RequestReplyListener, RequestType, ResponseType
from sustainml_swig.nodes import Node


class _Replies(RequestReplyListener):
    def __init__(self, callback: Callable[[RequestType, ResponseType], Any]) -> None:
        self._callback = callback

    def on_configuration_request(self, req: RequestType, res: ResponseType) -> None:
        self._callback(req, res)


class NodeProxy:
    node: ClassVar[Type[Node]]

    def __init__(
        self,
        callback: Optional[Callable[..., Any]] = None,
        service_callback: Optional[Callable[[RequestType, ResponseType], Any]] = None,
    ) -> None:
        """``callback``: gets the inputs, the status and the output of a task, by position. ``service_callback``: the request and the
        response of a configuration query.

        Raises ``ValueError`` where one is missing, ``TypeError`` where one cannot be called.
        """
        kind = type(self).__name__
        if callback is None:
            raise ValueError(f"{kind} constructor expects a callback.")
        if service_callback is None:
            raise ValueError(f"{kind} constructor expects a service callback.")
        for name, given in (("callback", callback), ("service_callback", service_callback)):
            if not callable(given):
                raise TypeError(f"{kind}.{name}: {given!r} is not a function")

        listener = self.node.listener()
        listener.on_new_task_available = callback
        self._node = self.node(listener, _Replies(service_callback))

    def spin(self) -> None:
        """Takes work, and blocks until the node has ended."""
        self._node.spin()

    @staticmethod
    def terminate() -> None:
        """Ends all nodes of this process; to be called on the class, as from a signal handler."""
        Node.terminate()
