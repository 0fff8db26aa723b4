"""The only door for apps. See README.md of this room."""

from madang.sdk.app import App
from madang.sdk.door import DoorError
from madang.sdk.http import DoorClosed
from madang.sdk.values import because, intent, observed_at, property_of, value_of, values_of

__all__ = [
    "App",
    "DoorClosed",
    "DoorError",
    "because",
    "intent",
    "observed_at",
    "property_of",
    "value_of",
    "values_of",
]
