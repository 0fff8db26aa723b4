"""Every operation of the interface: what it does, what it takes and what it answers when it succeeds."""

from __future__ import annotations

from dataclasses import dataclass, field

from madang.people.ngsi.allowed import PARAMETERS


@dataclass(frozen=True)
class Operation:
    """`body` and the values of `answers` are names in `schemas.SCHEMAS`; None where nothing is sent. `media`: what is sent both
    ways where it is not JSON."""

    summary: str
    answers: dict[int, str | None]
    body: str | None = None
    parameters: frozenset[str] = field(default_factory=frozenset)
    media: str | None = None


def _op(summary: str, answers: dict[int, str | None], body: str | None = None, parameters: str = "") -> Operation:
    return Operation(summary, answers, body, frozenset(parameters.split()))


_GONE: dict[int, str | None] = {204: None}
_MADE: dict[int, str | None] = {201: None}
_MANY: dict[int, str | None] = {204: None, 207: "BatchResult"}
_MADE_MANY: dict[int, str | None] = {201: "Ids", 204: None, 207: "BatchResult"}
_PAST: dict[int, str | None] = {200: "ShownList", 201: "ShownList", 206: "ShownList"}
_SOME: dict[int, str | None] = {204: None, 207: "UpdateResult"}

NGSI: dict[tuple[str, str], Operation] = {
    ("entities", "GET"): _op("Query entities (6.4.3.2)", {200: "ShownList", 201: "ShownList"}),
    ("entities", "POST"): _op("Create an entity (6.4.3.1)", _MADE, "Entity"),
    ("entities", "DELETE"): _op("Purge what a query finds (6.4.3.3)", _GONE),
    ("entities/*", "GET"): _op("Read an entity (6.5.3.1)", {200: "ShownList"}),
    ("entities/*", "PUT"): _op("Replace an entity (6.5.3.3)", _GONE, "Fragment"),
    ("entities/*", "PATCH"): _op("Merge into an entity (6.5.3.4)", _GONE, "Fragment"),
    ("entities/*", "DELETE"): _op("Delete an entity (6.5.3.2)", _GONE),
    ("entities/*/attrs", "POST"): _op("Append attributes (6.6.3.1)", _SOME, "Fragment"),
    ("entities/*/attrs", "PATCH"): _op("Update attributes (6.6.3.2)", _SOME, "Fragment"),
    ("entities/*/attrs/*", "PATCH"): _op("Update one attribute in part (6.7.3.1)", _GONE, "Fragment"),
    ("entities/*/attrs/*", "PUT"): _op("Replace one attribute (6.7.3.3)", _GONE, "Fragment"),
    ("entities/*/attrs/*", "DELETE"): _op("Delete one attribute (6.7.3.2)", _GONE),
    ("entityOperations/create", "POST"): _op("Create many (6.14)", _MADE_MANY, "EntityBatch"),
    ("entityOperations/upsert", "POST"): _op("Create or replace many (6.15)", _MADE_MANY, "EntityBatch"),
    ("entityOperations/update", "POST"): _op("Append to many (6.16)", _MANY, "EntityBatch"),
    ("entityOperations/merge", "POST"): _op("Merge into many (6.31)", _MANY, "EntityBatch"),
    ("entityOperations/delete", "POST"): _op("Delete many (6.17)", _MANY, "Ids"),
    ("entityOperations/query", "POST"): _op("Query by a body (6.23)", {200: "ShownList", 201: "ShownList"}, "Query"),
    ("types", "GET"): _op("Entity types (6.25)", {200: "NamedList"}),
    ("types/*", "GET"): _op("One entity type (6.26)", {200: "Named"}),
    ("attributes", "GET"): _op("Attributes (6.27)", {200: "NamedList"}),
    ("attributes/*", "GET"): _op("One attribute (6.28)", {200: "Named"}),
    ("jsonldContexts", "GET"): _op("Stored contexts (6.29.3.2)", {200: "ContextList"}),
    ("jsonldContexts", "POST"): _op("Host a context (6.29.3.1)", _MADE, "ContextDocument"),
    ("jsonldContexts/*", "GET"): _op("Serve a context (6.30.3.1)", {200: "Context"}),
    ("jsonldContexts/*", "DELETE"): _op("Delete a context, or load it again (6.30.3.2)", _GONE),
    ("info/sourceIdentity", "GET"): _op("Who this broker is", {200: "Named"}),
    ("subscriptions", "GET"): _op("Subscriptions (6.10.3.2)", {200: "SubscriptionList"}),
    ("subscriptions", "POST"): _op("Subscribe (6.10.3.1)", _MADE, "Subscription"),
    ("subscriptions/*", "GET"): _op("One subscription (6.11.3.1)", {200: "Subscription"}),
    ("subscriptions/*", "PATCH"): _op("Change a subscription (6.11.3.2)", _GONE, "SubscriptionFragment"),
    ("subscriptions/*", "DELETE"): _op("Unsubscribe (6.11.3.3)", _GONE),
    ("csourceRegistrations", "GET"): _op("Query registrations of other brokers (6.8.3.2)", {200: "RegistrationList"}),
    ("csourceRegistrations", "POST"): _op("Register another broker (6.8.3.1)", _MADE, "Registration"),
    ("csourceRegistrations/*", "GET"): _op("One registration (6.9.3.1)", {200: "Registration"}),
    ("csourceRegistrations/*", "PATCH"): _op("Change a registration (6.9.3.2)", _GONE, "RegistrationFragment"),
    ("csourceRegistrations/*", "DELETE"): _op("Forget another broker (6.9.3.3)", _GONE),
    ("csourceSubscriptions", "GET"): _op("Subscriptions to registrations (6.12.3.2)", {200: "SubscriptionList"}),
    ("csourceSubscriptions", "POST"): _op("Hear of other brokers (6.12.3.1)", _MADE, "SourceSubscription"),
    ("csourceSubscriptions/*", "GET"): _op("One of them (6.13.3.1)", {200: "SourceSubscription"}),
    ("csourceSubscriptions/*", "PATCH"): _op("Change it (6.13.3.2)", _GONE, "SubscriptionFragment"),
    ("csourceSubscriptions/*", "DELETE"): _op("Hear no more (6.13.3.3)", _GONE),
    ("entityMaps", "GET"): _op("Make an entity map of a query (6.34.3.1)", {201: "EntityMap"}),
    ("entityMaps", "POST"): _op("Make an entity map of a query in a body (6.34.3.2)", {201: "EntityMap"}, "Query"),
    ("entityMaps/*", "GET"): _op("One entity map (6.32.3.1)", {200: "EntityMap"}),
    ("entityMaps/*", "PATCH"): _op("Keep an entity map until another time (6.32.3.2)", _GONE, "EntityMapFragment"),
    ("entityMaps/*", "DELETE"): _op("Forget an entity map (6.32.3.3)", _GONE),
    ("snapshots", "POST"): _op("Make a snapshot of what queries find (6.36.3.1)", _MADE, "Snapshot"),
    ("snapshots", "DELETE"): _op("Delete the snapshots that a query means (6.36.3.2)", _GONE),
    ("snapshots/*", "GET"): _op("How a snapshot is (6.37.3.1)", {200: "Snapshot"}),
    ("snapshots/*", "PATCH"): _op(
        "Change a snapshot's lifetime, priority, endpoint (6.37.3.2)", {200: "Snapshot"}, "SnapshotFragment"
    ),
    ("snapshots/*", "DELETE"): _op("Delete a snapshot (6.37.3.3)", _GONE),
    ("snapshots/*/clone", "POST"): _op("Make a snapshot of a snapshot (6.38.3.1)", _MADE, "SnapshotFragment"),
    ("temporal/entityMaps", "GET"): _op("Make an entity map of a query by the past (6.35.3.1)", {201: "EntityMap"}),
    ("temporal/entityMaps", "POST"): _op("As that, by a body (6.35.3.2)", {201: "EntityMap"}, "Query"),
    ("temporal/entities", "GET"): _op("Query by the past (6.18.3.2)", _PAST),
    ("temporal/entities", "POST"): _op("Tell of the past (6.18.3.1)", {201: None, 204: None}, "Fragment"),
    ("temporal/entities/*", "GET"): _op("The past of an entity (6.19.3.1)", {200: "Shown", 206: "Shown"}),
    ("temporal/entities/*", "DELETE"): _op("Take all of it back (6.19.3.2)", _GONE),
    ("temporal/entities/*/attrs", "POST"): _op("Tell more of the past (6.20)", _GONE, "Fragment"),
    ("temporal/entities/*/attrs/*", "DELETE"): _op("Take back an attribute's past (6.21)", _GONE),
    ("temporal/entities/*/attrs/*/*", "PATCH"): _op("Correct one instance (6.22.3.1)", _GONE, "Fragment"),
    ("temporal/entities/*/attrs/*/*", "DELETE"): _op("Take back one instance (6.22.3.2)", _GONE),
    ("temporal/entityOperations/query", "POST"): _op("Query the past by a body (6.24)", _PAST, "Query"),
}

MANAGEMENT: dict[tuple[str, str], Operation] = {
    ("city", "GET"): _op("What the page needs to know of the city", {200: "City"}),
    ("status", "GET"): _op("City time, components, counters", {200: "Status"}),
    ("deadletters", "GET"): _op("What could not be read, newest first", {200: "DeadLetterList"}, None, "limit"),
    ("explain", "GET"): _op(
        "How an entity query would be answered", {200: "Explanation"}, None, " ".join(PARAMETERS["entities", "GET"])
    ),
    ("commands", "GET"): _op("Receipts, newest first", {200: "ReceiptList"}, None, "limit status target"),
    ("commands", "POST"): _op("State an intent, or up to 200", {201: "Receipts"}, "Intents"),
    ("commands/*", "GET"): _op("The latest receipt of a command", {200: "Receipt"}),
    ("notifications/*", "POST"): _op(
        "Where other brokers tell of what we subscribed to there (5.8.6)", _GONE, "Notification", "tenant"
    ),
    ("apps", "GET"): _op("Installed apps", {200: "AppList"}),
    ("apps", "POST"): _op("Install the app in a folder", {201: "App"}, "Install"),
    ("apps/available", "GET"): _op("First-party apps", {200: "AppList"}),
    ("apps/*", "DELETE"): _op("Stop an app, forget it, remove its data", _GONE),
    ("apps/*/start", "POST"): _op("Start an app", _GONE),
    ("apps/*/stop", "POST"): _op("Stop an app", _GONE),
    ("audit", "GET"): _op("The audit log, newest first", {200: "AuditList"}, None, "limit before who what whom"),
    ("audit/checkpoint", "GET"): _op("The signed checkpoint of the audit log", {200: "AuditCheckpoint"}),
    ("audit/proof/inclusion", "GET"): _op("That an entry is in the log", {200: "AuditProof"}, None, "index size"),
    ("audit/proof/consistency", "GET"): _op("That the log only grew", {200: "AuditProof"}, None, "old new"),
    ("verdicts", "GET"): _op("What the detector said, newest first", {200: "VerdictList"}, None, "limit"),
    ("verdicts/*/release", "POST"): _op("Release who was held back by a verdict", _GONE),
    ("privacy/mask", "POST"): _op("Texts without personal data, coarser places and times", {200: "Masked"}, "Masking"),
    ("privacy/check", "POST"): _op("How well people hide in a table", {200: "Anonymity"}, "Checking"),
    ("privacy/release", "POST"): _op(
        "A figure about people with noise, within a budget", {200: "Released"}, "Releasing"
    ),
    ("witness/add-checkpoint", "POST"): Operation(
        "Have the checkpoint of a log cosigned (C2SP tlog-witness)", {200: "Text"}, "Text", media="text/plain"
    ),
    ("policies", "GET"): _op("The rules in force", {200: "PolicySet"}),
    ("policies/simulate", "POST"): _op("What somebody could see or do, and why", {200: "Simulated"}, "PolicyQuestion"),
}
