"""Apps, reviews and findings as templates need them, in one language. Pure."""

from __future__ import annotations

from typing import Any

from madang.runtime.rating import rate
from madang.runtime.sandbox import LEVEL_MAX
from madang.runtime.words import sentences
from madang.store.catalogue import Entry
from madang.store.money.amounts import shown, to_minor
from madang.store.ratings.reviews import Review
from madang.store.review.scores import is_score_signed

Json = dict[str, Any]


def entry_shown(entry: Entry, language: str) -> Json:
    """A card of the catalogue."""
    manifest = entry.release.manifest
    return {
        "id": entry.release.app,
        "name": manifest.name[language],
        "summary": manifest.summary[language],
        "publisher": entry.publisher.name,
        "categories": manifest.categories,
        "stars": None if entry.shown.stars is None else round(entry.shown.stars, 1),
        "count": entry.shown.count,
        "model": manifest.price.model,
        "price": price_shown(entry),
        "per": manifest.price.per,
    }


def price_shown(entry: Entry) -> str:
    """Empty for what is free. The price of a unit may be a fraction of the smallest one, so it stands as it is."""
    price = entry.release.manifest.price
    if price.model == "free":
        return ""
    return (
        f"{price.amount} {price.currency}"
        if price.model == "usage"
        else shown(to_minor(price.amount, price.currency), price.currency)
    )


def app_shown(entry: Entry, language: str, key: bytes) -> Json:
    """The page of one app. `key`: the store's, by which a score is believed."""
    release, manifest = entry.release, entry.release.manifest
    # A publisher with proved keys is known, and the sandbox is each city's own: what is rated here is what the app asks for.
    rating = rate(manifest, LEVEL_MAX, True)
    return entry_shown(entry, language) | {
        "version": release.version,
        "publisher_id": release.publisher,
        "domain": entry.publisher.domain if entry.publisher.domain_proved_at else "",
        "website": manifest.website or entry.publisher.website,
        "licence": manifest.licence,
        "service": manifest.service,
        "privacy": manifest.privacy.get(language, ""),
        "asks": [one[language] for one in sentences(manifest)],
        "trust": rating.score,
        "trust_reasons": [word for word, _ in rating.reasons],
        "score": score_shown(release.score, key),
        "published_at": release.decided_at,
        "weight": round(entry.shown.weight, 1),
        "subscribes": manifest.price.model in ("subscription", "usage"),
    }


def score_shown(score: Json | None, key: bytes) -> Json | None:
    """A testbed score; none whose signature is not this store's. `rows`: what it does for people, then what it costs."""
    if score is None or not is_score_signed(score, key):
        return None
    return {
        "city": score.get("city", ""),
        "minutes": score.get("minutes", ""),
        "seeds": ", ".join(map(str, score.get("seeds", []))),
        "for_people": [_measure(one) for one in score.get("for_people", [])],
        "costs": score.get("costs", []),
    }


def _measure(one: Json) -> Json:
    """`verdict`: better or worse only where the interval over seeds says so; one seed says nothing of chance."""
    difference = one.get("difference") or {}
    low, high = difference.get("low"), difference.get("high")
    wished = {"less": -1, "more": 1}.get(one.get("better", ""), 0)
    if not wished:
        verdict = "told"
    elif low is None or high is None or low <= 0 <= high:
        verdict = "unsure"
    else:
        verdict = "better" if wished * low > 0 else "worse"
    return one | {"verdict": verdict}


def review_shown(review: Review, language: str) -> Json:
    """Of whoever wrote it only what kind of customer it is."""
    return {
        "id": review.id,
        "stars": review.stars,
        "text": review.text,
        "version": review.version,
        "kind": review.customer.partition(":")[0],
        "days_used": review.days_used,
        "written_at": review.written_at,
        "reply": review.reply,
        "replied_at": review.replied_at,
        "reports": review.reports,
        "app": review.app,
        "hidden_why": review.hidden_why,
    }
