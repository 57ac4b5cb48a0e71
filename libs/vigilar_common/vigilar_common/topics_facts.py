"""Topics of facts whose model says all there is to say of them: pattern, model, who publishes, who reads live.

A part of the table in `vigilar_common.topics`, which makes topics of them.
"""

from __future__ import annotations

from vigilar_common.messages import (
    Fact,
    alerts,
    animals,
    audit,
    detection,
    objects,
    packages,
    power,
    presence,
    sensor,
    timelapse,
    visitors,
)

LOG_ONLY = ()
"""Vectors and the like: nobody reads them live, and from the log only who owns them."""

FACTS: tuple[tuple[str, type[Fact], str, tuple[str, ...]], ...] = (
    ("vigilar/sensors/changed", sensor.SensorChanged, "sensors", ("events", "homeassistant", "web")),
    ("vigilar/sensors/reading", sensor.SensorReading, "sensors", ("events", "pets", "web")),
    ("vigilar/sensors/lost", sensor.SensorLost, "sensors", ("events", "health", "web")),
    ("vigilar/ups/changed", power.PowerChanged, "ups", ("events", "alerts", "health", "web")),
    ("vigilar/ups/reading", power.PowerReading, "ups", ("health", "web")),
    ("vigilar/ups/shutdown", power.PowerShutdown, "ups", ("events", "alerts", "health", "web")),
    ("vigilar/presence/changed", presence.PresenceChanged, "presence", ("events", "web")),
    ("vigilar/presence/household", presence.HouseholdChanged, "presence", ("events", "web")),
    (
        "vigilar/camera/{camera_id}/object/detected",
        detection.ObjectDetected,
        "camera-worker",
        ("events", "alerts", "pets", "web", "home_automation"),
    ),
    (
        "vigilar/camera/{camera_id}/object/changed",
        objects.ObjectChanged,
        "camera-worker",
        ("web", "home_automation"),
    ),
    (
        "vigilar/camera/{camera_id}/object/left",
        objects.ObjectLeft,
        "camera-worker",
        ("events", "pets", "visitors", "web", "home_automation"),
    ),
    ("vigilar/camera/{camera_id}/object/suppressed", objects.ObjectSuppressed, "camera-worker", ("web",)),
    ("vigilar/camera/{camera_id}/object/marked", objects.ObjectMarked, "camera-worker", ("web",)),
    ("vigilar/camera/{camera_id}/thing/left", packages.ThingLeft, "camera-worker", ("events",)),
    ("vigilar/camera/{camera_id}/thing/gone", packages.ThingGone, "camera-worker", ("events",)),
    ("vigilar/alerts/receipt", alerts.AlertReceipt, "alerts", ("web",)),
    ("vigilar/alerts/snoozed", alerts.AlertSnoozed, "alerts", LOG_ONLY),
    ("vigilar/packages/detected", packages.PackageDetected, "events", ("web", "home_automation")),
    ("vigilar/packages/reminded", packages.PackageReminded, "events", ("web", "home_automation")),
    ("vigilar/packages/collected", packages.PackageCollected, "events", ("web", "home_automation")),
    ("vigilar/pets/pet/saved", animals.PetSaved, "pets", ("web",)),
    ("vigilar/pets/pet/removed", animals.PetRemoved, "pets", ("web",)),
    ("vigilar/pets/sighted", animals.PetSighted, "pets", ("events", "web")),
    ("vigilar/pets/training/saved", animals.PetTrainingSaved, "pets", LOG_ONLY),
    ("vigilar/pets/training/removed", animals.PetTrainingRemoved, "pets", LOG_ONLY),
    ("vigilar/pets/rule/saved", animals.PetRuleSaved, "pets", ("web",)),
    ("vigilar/pets/rule/removed", animals.PetRuleRemoved, "pets", ("web",)),
    ("vigilar/pets/rule/fired", animals.PetRuleFired, "pets", ("events", "web")),
    ("vigilar/wildlife/sighted", animals.WildlifeSighted, "pets", ("events", "web")),
    ("vigilar/visitors/profile/saved", visitors.FaceProfileSaved, "visitors", ("alerts", "web")),
    ("vigilar/visitors/profile/merged", visitors.FaceProfilesMerged, "visitors", ("web",)),
    ("vigilar/visitors/profile/split", visitors.FaceProfileSplit, "visitors", ("web",)),
    ("vigilar/visitors/forgotten", visitors.FaceForgotten, "visitors", ("events", "alerts", "web")),
    ("vigilar/visitors/embedding/saved", visitors.FaceEmbeddingSaved, "visitors", LOG_ONLY),
    ("vigilar/visitors/embedding/removed", visitors.FaceEmbeddingRemoved, "visitors", LOG_ONLY),
    ("vigilar/visitors/visit/began", visitors.VisitBegan, "visitors", ("events", "alerts", "web")),
    ("vigilar/visitors/visit/ended", visitors.VisitEnded, "visitors", ("events", "web")),
    ("vigilar/timelapse/saved", timelapse.TimelapseSaved, "highlights", ("web",)),
    ("vigilar/timelapse/removed", timelapse.TimelapseRemoved, "highlights", ("web",)),
    ("vigilar/timelapse/made", timelapse.TimelapseMade, "highlights", ("web",)),
    ("vigilar/web/audited", audit.Audited, "web", LOG_ONLY),
)
