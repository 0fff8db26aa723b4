"""Shows where fine dust is over the limit, and says so each morning."""

from madang.sdk import App, value_of
from madang.sdk.html import document, table

app, levels, LIMIT = App(), {}, 35.0  # µg/m³ of PM2.5


@app.on("AirQualityObserved", attrs=("pm25",))
async def hear(entity, gone):
    levels[entity["id"]] = None if gone else value_of(entity.get("pm25"))


def bad():
    return {name: level for name, level in sorted(levels.items()) if level is not None and level > LIMIT}


@app.cron("0 7 * * *")
async def morning():
    text = ", ".join(f"{name} {level:g}" for name, level in bad().items())
    await app.upsert({"id": "urn:ngsi-ld:Alert:dusty:morning", "type": "Alert", "description": text or "-"})


@app.page("/")
async def page(request):
    rows = [[name, f"{level:g}"] for name, level in bad().items()]
    title = "먼지 지도" if request.viewer.language == "ko" else "Where it is dusty"
    return document(title, table("PM2.5, µg/m³", ["id", "PM2.5"], rows), language=request.viewer.language)


if __name__ == "__main__":
    app.run()
