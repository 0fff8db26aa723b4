"""A city in a test: entities by hand or from a recorded day, a clock that stands until it is moved, grants as the manifest asks for.

async with FakeCity(app, FOLDER) as city:
    await city.put({"id": "urn:ngsi-ld:AirQualityObserved:x:1", "type": "AirQualityObserved", "pm25": 80})
    await city.advance(hours=1)
    assert city.commands == [...]
"""

from madang.sdk.pages import Viewer
from madang.sdk.testing.city import FakeCity
from madang.sdk.testing.recording import Recording, read_recording, write_recording

__all__ = ["FakeCity", "Recording", "Viewer", "read_recording", "write_recording"]
