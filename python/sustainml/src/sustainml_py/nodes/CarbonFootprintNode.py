from sustainml_swig import CarbonFootprintNode as _CarbonFootprintNode

from .proxy import NodeProxy

__all__ = ["CarbonFootprintNode"]


class CarbonFootprintNode(NodeProxy):
    node = _CarbonFootprintNode
