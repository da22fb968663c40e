# A newcomer's look at a broker with the plugin and a sidecar, from outside. To be sourced.

# shellcheck disable=SC2034 # for those who source this
looks_like_a_fault="error|warn(ing)?|fail(s|ed|ure)?|refused|denied|unable|can.t|cannot|could not|invalid|fatal|deprecated|missing|not found|no such|damaged|lost"

fail() {
  echo "FAILED: $1" >&2
  exit 1
}

free_port() {
  local port
  while port=$((RANDOM % 20000 + 10240)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# An event published twice over MQTT, one twice over HTTP: each arrives once and is stored once. $1: MQTT port, $2: HTTP port.
look_at_both() {
  local url=http://127.0.0.1:$2 received=/tmp/received subscriber seen
  : >"$received"
  mosquitto_sub -p "$1" -q 1 -t 'look/#' -F '%t %p' -C 3 -W 60 -d >"$received" &
  subscriber=$!
  for ((tries = 100; tries > 0; tries--)); do
    ! grep -q SUBACK "$received" || break
    sleep 0.1
  done
  for _ in 1 2; do mosquitto_pub -p "$1" -q 1 -t look/mqtt -m '{"event_id":"a","payload":{"v":1}}'; done
  for expected in '"duplicates":0' '"duplicates":1'; do
    curl -sS --fail --max-time 30 "$url/publish" \
      -d '{"topic":"look/http","event_id":"b","timestamp":"2025-01-01T00:00:00Z","source":"look","payload":{"v":2}}' |
      grep -q "$expected" || fail "POST /publish: no $expected in the answer"
  done
  mosquitto_pub -p "$1" -q 1 -t look/end -m '{"event_id":"c"}'
  wait "$subscriber" || fail "the subscriber did not get three messages"
  seen=$(grep -o '^look/[a-z]*' "$received" | tr '\n' ' ')
  [[ $seen == "look/mqtt look/http look/end " ]] || fail "the subscriber got: $seen"
  curl -sS --fail --max-time 30 "$url/events" >/tmp/events
  seen=$(grep -o '"event_id":"[a-z]*"' /tmp/events | tr -d '\n')
  [[ $seen == '"event_id":"a""event_id":"b""event_id":"c"' ]] || fail "GET /events: $(</tmp/events)"
}
