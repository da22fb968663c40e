// A plugin of the broker that puts a copy in the place of each payload, as one does that translates payloads.
#include "plugin/broker/mosquitto.h"

#include <string.h>

static mosquitto_plugin_id_t *plugin;

static int OnMessage(int event, void *event_data, void *userdata) {
  struct mosquitto_evt_message *message = event_data;
  (void)event;
  (void)userdata;
  if (message->payloadlen == 0) return MOSQ_ERR_SUCCESS;
  void *copy = mosquitto_malloc(message->payloadlen + 1);
  if (copy == NULL) return MOSQ_ERR_NOMEM;
  memcpy(copy, message->payload, message->payloadlen);
  ((char *)copy)[message->payloadlen] = '\0';
  message->payload = copy;
  return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_version(int version_count, const int *versions) {
  for (int i = 0; i < version_count; ++i) {
    if (versions[i] == MOSQ_PLUGIN_VERSION) return MOSQ_PLUGIN_VERSION;
  }
  return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata, struct mosquitto_opt *options,
                          int option_count) {
  (void)userdata;
  (void)options;
  (void)option_count;
  plugin = identifier;
  return mosquitto_callback_register(plugin, MOSQ_EVT_MESSAGE, OnMessage, NULL, NULL);
}

int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count) {
  (void)userdata;
  (void)options;
  (void)option_count;
  return mosquitto_callback_unregister(plugin, MOSQ_EVT_MESSAGE, OnMessage, NULL);
}
