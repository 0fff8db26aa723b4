"""The only door for apps. See README.md of this room."""

from madang.sdk.app import App
from madang.sdk.door import Door, DoorError

__all__ = ["App", "Door", "DoorError"]
