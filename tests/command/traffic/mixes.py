"""Several systems on one broker, with traffic that must not be touched beside them."""

from tests.command.traffic import bridges, home, industry, lorawan, meters, negatives, radio, trackers
from tests.command.traffic.made import MIXES, mix

MIXES.update(
    {
        "mix_home": mix(
            home.zigbee2mqtt, home.zigbee2mqtt_actions, home.tasmota_sensors, negatives.plain_values, negatives.availability
        ),
        "mix_radio": mix(
            radio.openmqttgateway_ble, radio.rtl_433_two_hosts, radio.meshtastic_json, negatives.room_presence
        ),
        "mix_mesh": mix(radio.meshtastic_protobuf, radio.meshtastic_json, radio.meshcore_packets),
        "mix_lorawan": mix(lorawan.chirpstack_v4, negatives.lorawan_gateways, negatives.keep_alive_state),
        "mix_plant": mix(
            industry.sparkplug_b, industry.redundant_plc_gateways, industry.kepware_iot_gateway, negatives.heartbeats
        ),
        "mix_cloud": mix(
            industry.thingsboard_telemetry, industry.smartrest, industry.cloudevents_structured, negatives.request_response
        ),
        "mix_tracking": mix(trackers.owntracks, trackers.teltonika, negatives.standing_vehicles),
        "mix_meters": mix(meters.wmbusmeters_two_receivers, negatives.equal_telegrams, meters.vzlogger),
        "mix_bridges": mix(bridges.bridge_loop_json, negatives.plain_values, home.shelly_rpc_events),
        "mix_wis2": mix(bridges.wis2_global_brokers, bridges.wis2_global_cache),
        "mix_frigate": mix(home.frigate_events, negatives.plain_values, negatives.progress_of_jobs),
        "mix_events": mix(
            bridges.events_with_uuid, bridges.outbox_relay, industry.debezium_changes, negatives.derived_streams
        ),
    }
)
