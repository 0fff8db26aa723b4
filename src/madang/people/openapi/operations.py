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


def op(summary: str, answers: dict[int, str | None], body: str | None = None, parameters: str = "") -> Operation:
    return Operation(summary, answers, body, frozenset(parameters.split()))


GONE: dict[int, str | None] = {204: None}
_MADE: dict[int, str | None] = {201: None}
_MANY: dict[int, str | None] = {204: None, 207: "BatchResult"}
_MADE_MANY: dict[int, str | None] = {201: "Ids", 204: None, 207: "BatchResult"}
_PAST: dict[int, str | None] = {200: "ShownList", 201: "ShownList", 206: "ShownList"}
_SOME: dict[int, str | None] = {204: None, 207: "UpdateResult"}

NGSI: dict[tuple[str, str], Operation] = {
    ("entities", "GET"): op("Query entities (6.4.3.2)", {200: "ShownList", 201: "ShownList"}),
    ("entities", "POST"): op("Create an entity (6.4.3.1)", _MADE, "Entity"),
    ("entities", "DELETE"): op("Purge what a query finds (6.4.3.3)", GONE),
    ("entities/*", "GET"): op("Read an entity (6.5.3.1)", {200: "ShownList"}),
    ("entities/*", "PUT"): op("Replace an entity (6.5.3.3)", GONE, "Fragment"),
    ("entities/*", "PATCH"): op("Merge into an entity (6.5.3.4)", GONE, "Fragment"),
    ("entities/*", "DELETE"): op("Delete an entity (6.5.3.2)", GONE),
    ("entities/*/attrs", "POST"): op("Append attributes (6.6.3.1)", _SOME, "Fragment"),
    ("entities/*/attrs", "PATCH"): op("Update attributes (6.6.3.2)", _SOME, "Fragment"),
    ("entities/*/attrs/*", "PATCH"): op("Update one attribute in part (6.7.3.1)", GONE, "Fragment"),
    ("entities/*/attrs/*", "PUT"): op("Replace one attribute (6.7.3.3)", GONE, "Fragment"),
    ("entities/*/attrs/*", "DELETE"): op("Delete one attribute (6.7.3.2)", GONE),
    ("entityOperations/create", "POST"): op("Create many (6.14)", _MADE_MANY, "EntityBatch"),
    ("entityOperations/upsert", "POST"): op("Create or replace many (6.15)", _MADE_MANY, "EntityBatch"),
    ("entityOperations/update", "POST"): op("Append to many (6.16)", _MANY, "EntityBatch"),
    ("entityOperations/merge", "POST"): op("Merge into many (6.31)", _MANY, "EntityBatch"),
    ("entityOperations/delete", "POST"): op("Delete many (6.17)", _MANY, "Ids"),
    ("entityOperations/query", "POST"): op("Query by a body (6.23)", {200: "ShownList", 201: "ShownList"}, "Query"),
    ("types", "GET"): op("Entity types (6.25)", {200: "NamedList"}),
    ("types/*", "GET"): op("One entity type (6.26)", {200: "Named"}),
    ("attributes", "GET"): op("Attributes (6.27)", {200: "NamedList"}),
    ("attributes/*", "GET"): op("One attribute (6.28)", {200: "Named"}),
    ("jsonldContexts", "GET"): op("Stored contexts (6.29.3.2)", {200: "ContextList"}),
    ("jsonldContexts", "POST"): op("Host a context (6.29.3.1)", _MADE, "ContextDocument"),
    ("jsonldContexts/*", "GET"): op("Serve a context (6.30.3.1)", {200: "Context"}),
    ("jsonldContexts/*", "DELETE"): op("Delete a context, or load it again (6.30.3.2)", GONE),
    ("info/sourceIdentity", "GET"): op("Who this broker is", {200: "Named"}),
    ("subscriptions", "GET"): op("Subscriptions (6.10.3.2)", {200: "SubscriptionList"}),
    ("subscriptions", "POST"): op("Subscribe (6.10.3.1)", _MADE, "Subscription"),
    ("subscriptions/*", "GET"): op("One subscription (6.11.3.1)", {200: "Subscription"}),
    ("subscriptions/*", "PATCH"): op("Change a subscription (6.11.3.2)", GONE, "SubscriptionFragment"),
    ("subscriptions/*", "DELETE"): op("Unsubscribe (6.11.3.3)", GONE),
    ("csourceRegistrations", "GET"): op("Query registrations of other brokers (6.8.3.2)", {200: "RegistrationList"}),
    ("csourceRegistrations", "POST"): op("Register another broker (6.8.3.1)", _MADE, "Registration"),
    ("csourceRegistrations/*", "GET"): op("One registration (6.9.3.1)", {200: "Registration"}),
    ("csourceRegistrations/*", "PATCH"): op("Change a registration (6.9.3.2)", GONE, "RegistrationFragment"),
    ("csourceRegistrations/*", "DELETE"): op("Forget another broker (6.9.3.3)", GONE),
    ("csourceSubscriptions", "GET"): op("Subscriptions to registrations (6.12.3.2)", {200: "SubscriptionList"}),
    ("csourceSubscriptions", "POST"): op("Hear of other brokers (6.12.3.1)", _MADE, "SourceSubscription"),
    ("csourceSubscriptions/*", "GET"): op("One of them (6.13.3.1)", {200: "SourceSubscription"}),
    ("csourceSubscriptions/*", "PATCH"): op("Change it (6.13.3.2)", GONE, "SubscriptionFragment"),
    ("csourceSubscriptions/*", "DELETE"): op("Hear no more (6.13.3.3)", GONE),
    ("entityMaps", "GET"): op("Make an entity map of a query (6.34.3.1)", {201: "EntityMap"}),
    ("entityMaps", "POST"): op("Make an entity map of a query in a body (6.34.3.2)", {201: "EntityMap"}, "Query"),
    ("entityMaps/*", "GET"): op("One entity map (6.32.3.1)", {200: "EntityMap"}),
    ("entityMaps/*", "PATCH"): op("Keep an entity map until another time (6.32.3.2)", GONE, "EntityMapFragment"),
    ("entityMaps/*", "DELETE"): op("Forget an entity map (6.32.3.3)", GONE),
    ("snapshots", "POST"): op("Make a snapshot of what queries find (6.36.3.1)", _MADE, "Snapshot"),
    ("snapshots", "DELETE"): op("Delete the snapshots that a query means (6.36.3.2)", GONE),
    ("snapshots/*", "GET"): op("How a snapshot is (6.37.3.1)", {200: "Snapshot"}),
    ("snapshots/*", "PATCH"): op(
        "Change a snapshot's lifetime, priority, endpoint (6.37.3.2)", {200: "Snapshot"}, "SnapshotFragment"
    ),
    ("snapshots/*", "DELETE"): op("Delete a snapshot (6.37.3.3)", GONE),
    ("snapshots/*/clone", "POST"): op("Make a snapshot of a snapshot (6.38.3.1)", _MADE, "SnapshotFragment"),
    ("temporal/entityMaps", "GET"): op("Make an entity map of a query by the past (6.35.3.1)", {201: "EntityMap"}),
    ("temporal/entityMaps", "POST"): op("As that, by a body (6.35.3.2)", {201: "EntityMap"}, "Query"),
    ("temporal/entities", "GET"): op("Query by the past (6.18.3.2)", _PAST),
    ("temporal/entities", "POST"): op("Tell of the past (6.18.3.1)", {201: None, 204: None}, "Fragment"),
    ("temporal/entities/*", "GET"): op("The past of an entity (6.19.3.1)", {200: "Shown", 206: "Shown"}),
    ("temporal/entities/*", "DELETE"): op("Take all of it back (6.19.3.2)", GONE),
    ("temporal/entities/*/attrs", "POST"): op("Tell more of the past (6.20)", GONE, "Fragment"),
    ("temporal/entities/*/attrs/*", "DELETE"): op("Take back an attribute's past (6.21)", GONE),
    ("temporal/entities/*/attrs/*/*", "PATCH"): op("Correct one instance (6.22.3.1)", GONE, "Fragment"),
    ("temporal/entities/*/attrs/*/*", "DELETE"): op("Take back one instance (6.22.3.2)", GONE),
    ("temporal/entityOperations/query", "POST"): op("Query the past by a body (6.24)", _PAST, "Query"),
}

MANAGEMENT: dict[tuple[str, str], Operation] = {
    ("city", "GET"): op("What the page needs to know of the city", {200: "City"}),
    ("status", "GET"): op("City time, components, counters", {200: "Status"}),
    ("deadletters", "GET"): op("What could not be read, newest first", {200: "DeadLetterList"}, None, "limit"),
    ("explain", "GET"): op(
        "How an entity query would be answered", {200: "Explanation"}, None, " ".join(PARAMETERS["entities", "GET"])
    ),
    ("commands", "GET"): op("Receipts, newest first", {200: "ReceiptList"}, None, "limit status target until"),
    ("commands", "POST"): op("State an intent, or up to 200", {201: "Receipts"}, "Intents"),
    ("commands/*", "GET"): op("The latest receipt of a command", {200: "Receipt"}),
    ("notifications/*", "POST"): op(
        "Where other brokers tell of what we subscribed to there (5.8.6)", GONE, "Notification", "tenant"
    ),
    ("apps", "GET"): op("Installed apps", {200: "AppList"}),
    ("apps", "POST"): op("Install a package, or the app in a folder", {201: "App"}, "Install"),
    ("apps/available", "GET"): op("First-party apps", {200: "AppList"}),
    ("apps/*", "GET"): op("One app: what it asks for, what it may, its versions", {200: "App"}),
    ("apps/*", "DELETE"): op("Stop an app, hand over what it wrote, forget it", {200: "AppReceipt"}, None, "clear"),
    ("apps/*/grants", "PUT"): op("What an app may from now on, of what it asks for", {200: "ScopeList"}, "ScopeList"),
    ("apps/*/versions", "POST"): op("Another version: a package, or a folder", {201: "AppUpdate"}, "Install"),
    ("apps/*/accept", "POST"): op("Use the version that waits, with what it newly asks for", GONE),
    ("apps/*/decline", "POST"): op("Forget the version that waits", GONE),
    ("apps/*/rollback", "POST"): op("Use the version before", GONE),
    ("apps/*/start", "POST"): op("Start an app", GONE),
    ("apps/*/stop", "POST"): op("Stop an app", GONE),
    ("audit", "GET"): op("The audit log, newest first", {200: "AuditList"}, None, "limit before who what whom"),
    ("audit/checkpoint", "GET"): op("The signed checkpoint of the audit log", {200: "AuditCheckpoint"}),
    ("audit/proof/inclusion", "GET"): op("That an entry is in the log", {200: "AuditProof"}, None, "index size"),
    ("audit/proof/consistency", "GET"): op("That the log only grew", {200: "AuditProof"}, None, "old new"),
    ("policies", "GET"): op("The rules in force", {200: "PolicySet"}),
    ("policies/simulate", "POST"): op("What somebody could see or do, and why", {200: "Simulated"}, "PolicyQuestion"),
    ("charges", "POST"): op(
        "An app asks a customer to pay for what somebody does for them", {201: "Charge"}, "ChargeAsked"
    ),
    ("charges/*", "GET"): op("Whether it is paid; for the app that asked", {200: "Charge"}),
    ("devices", "GET"): op("Devices by id", {200: "DeviceList"}, None, "limit after"),
    ("devices", "POST"): op("Give a device an id and a secret", {201: "Device"}, "Device"),
    ("devices/*", "GET"): op("One device", {200: "Device"}),
    ("devices/*", "PATCH"): op("Change its name and topics", {200: "Device"}, "DeviceChange"),
    ("devices/*", "DELETE"): op("Revoke it", GONE),
    ("devices/*/secret", "POST"): op("A new secret; the old one holds a while", {201: "Secret"}, "Grace"),
    ("clients", "GET"): op("Clients of the OpenID provider", {200: "ClientList"}),
    ("clients", "POST"): op("Register a client", {201: "Client"}, "Client"),
    ("clients/*", "GET"): op("One client", {200: "Client"}),
    ("clients/*", "PATCH"): op("Change what it may", {200: "Client"}, "ClientChange"),
    ("clients/*", "DELETE"): op("End it, with all that was granted to it", GONE),
    ("clients/*/secret", "POST"): op("A new secret, at once", {201: "Secret"}),
    ("signing-keys", "POST"): op("Sign with new keys from now on", {201: "Keys"}),
    ("verdicts", "GET"): op("What the detector said, newest first", {200: "VerdictList"}, None, "limit"),
    ("verdicts/*/release", "POST"): op("Release who was held back by a verdict", GONE),
    ("privacy/mask", "POST"): op("Texts without personal data, coarser places and times", {200: "Masked"}, "Masking"),
    ("privacy/check", "POST"): op("How well people hide in a table", {200: "Anonymity"}, "Checking"),
    ("privacy/release", "POST"): op(
        "A figure about people with noise, within a budget", {200: "Released"}, "Releasing"
    ),
    ("witness/add-checkpoint", "POST"): Operation(
        "Have the checkpoint of a log cosigned (C2SP tlog-witness)", {200: "Text"}, "Text", media="text/plain"
    ),
}
