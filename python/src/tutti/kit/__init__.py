"""The command of the package: ``python -m tutti``, or ``tutti-node``. Nothing of it needs Node.js, but for what it hands on to ``tutti``."""
