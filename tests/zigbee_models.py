"""Messages of Zigbee devices, modelled on the `exposes` and example payloads of Zigbee2MQTT's documentation of each model.

None was recorded from a device; names are the model identifiers of that documentation.
"""

from __future__ import annotations

from typing import Any

Expected = dict[str, bool | float | str]

MODELS: dict[str, tuple[str, dict[str, Any], Expected]] = {
    "MCCGQ11LM door and window": (
        "CONTACT",
        {
            "contact": False,
            "battery": 91,
            "voltage": 3005,
            "linkquality": 115,
            "device_temperature": 24,
            "power_outage_count": 3,
        },
        {"contact": False, "battery": 91.0, "linkquality": 115.0},
    ),
    "SNZB-04 door and window": (
        "CONTACT",
        {
            "battery": 100,
            "battery_low": False,
            "contact": True,
            "linkquality": 255,
            "tamper": False,
            "voltage": 3200,
        },
        {"contact": True, "battery_low": False, "tamper": False, "battery": 100.0, "linkquality": 255.0},
    ),
    "RTCGQ11LM motion": (
        "MOTION",
        {
            "battery": 66,
            "illuminance": 31,
            "illuminance_lux": 29,
            "linkquality": 60,
            "occupancy": True,
            "voltage": 2975,
        },
        {"occupancy": True, "illuminance": 29.0, "battery": 66.0, "linkquality": 60.0},
    ),
    "FP1 presence": (
        "OCCUPANCY",
        {
            "presence": True,
            "presence_event": "approach",
            "motion_sensitivity": "high",
            "approach_distance": "medium",
            "linkquality": 180,
        },
        {"occupancy": True, "linkquality": 180.0},
    ),
    "WSDCGQ11LM temperature, humidity, pressure": (
        "TEMPERATURE",
        {
            "battery": 47,
            "humidity": 44.7,
            "linkquality": 92,
            "pressure": 988.4,
            "temperature": 21.36,
            "voltage": 2935,
        },
        {"temperature": 21.36, "humidity": 44.7, "pressure": 988.4, "battery": 47.0, "linkquality": 92.0},
    ),
    "SNZB-02 temperature and humidity, one not measured yet": (
        "HUMIDITY",
        {"battery": None, "humidity": 51, "temperature": -3.5, "linkquality": 40, "voltage": None},
        {"humidity": 51.0, "temperature": -3.5, "linkquality": 40.0},
    ),
    "JTYJ-GD-01LM/BW smoke": (
        "SMOKE",
        {
            "smoke": True,
            "smoke_density": 8,
            "battery_low": False,
            "test": False,
            "tamper": False,
            "sensitivity": "medium",
            "battery": 80,
        },
        {"smoke": True, "smoke_density": 8.0, "battery_low": False, "tamper": False, "battery": 80.0},
    ),
    "HS1CA-E carbon monoxide": (
        "CARBON_MONOXIDE",
        {"carbon_monoxide": False, "battery_low": True, "battery": 9, "linkquality": 70},
        {"carbon_monoxide": False, "battery_low": True, "battery": 9.0, "linkquality": 70.0},
    ),
    "TS0205 gas with concentration": (
        "GAS",
        {"gas": True, "gas_value": 340, "preheat": False, "self_test": False, "co": 12, "linkquality": 110},
        {"gas": True, "gas_concentration": 340.0, "co": 12.0, "linkquality": 110.0},
    ),
    "SJCGQ11LM water leak": (
        "WATER_LEAK",
        {
            "battery": 100,
            "battery_low": False,
            "linkquality": 112,
            "tamper": False,
            "voltage": 3055,
            "water_leak": True,
        },
        {"water_leak": True, "battery_low": False, "tamper": False, "battery": 100.0, "linkquality": 112.0},
    ),
    "DJT11LM vibration": (
        "VIBRATION",
        {
            "vibration": True,
            "action": "tilt",
            "strength": 23,
            "angle": 4,
            "angle_x": 1,
            "x_axis": -9,
            "battery": 58,
            "linkquality": 33,
        },
        {"vibration": True, "action": "tilt", "battery": 58.0, "linkquality": 33.0},
    ),
    "WXKG11LM button": (
        "BUTTON",
        {"action": "double", "battery": 77, "linkquality": 102, "voltage": 2985},
        {"action": "double", "battery": 77.0, "linkquality": 102.0},
    ),
    "E1743 remote, brightness held": (
        "BUTTON",
        {
            "action": "brightness_move_up",
            "action_rate": 83,
            "battery": 34,
            "linkquality": 76,
            "update": {"state": "idle"},
        },
        {"action": "brightness_move_up", "battery": 34.0, "linkquality": 76.0},
    ),
    "WXKG11LM button let go": ("BUTTON", {"action": "", "battery": 77}, {"battery": 77.0}),
    "SP 120 plug that measures": (
        "POWER",
        {"state": "ON", "power": 14.2, "energy": 3.71, "current": 0.06, "voltage": 233, "linkquality": 156},
        {"power": 14.2, "energy": 3.71, "linkquality": 156.0},
    ),
    "YRD426NRSC lock": (
        "LOCK",
        {"state": "LOCK", "lock_state": "locked", "battery": 70, "linkquality": 90},
        {"locked": True, "battery": 70.0, "linkquality": 90.0},
    ),
    "GZCGQ01LM illuminance": (
        "ILLUMINANCE",
        {"battery": 100, "illuminance": 12_400, "linkquality": 51, "voltage": 3100},
        {"illuminance": 12400.0, "battery": 100.0, "linkquality": 51.0},
    ),
    "NAS-AB02B2 siren": (
        "SIREN",
        {
            "alarm": True,
            "melody": 5,
            "duration": 60,
            "volume": "high",
            "battpercentage": 100,
            "linkquality": 60,
        },
        {"sounding": True, "linkquality": 60.0},
    ),
}
"""Model: the type it would be configured as, one message, and the typed values that follow."""
