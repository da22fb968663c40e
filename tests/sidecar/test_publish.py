"""POST /publish: what is taken, what is answered, what subscribers get."""

import concurrent.futures
import contextlib
import json
import threading

import pytest

from tests.support.sidecar import bodies_of, event, read_response, status_of


def test_event_is_processed_once_and_then_a_duplicate(sidecar, topic):
    first = sidecar.publish(event(topic, "a"))
    second = sidecar.publish(event(topic, "a"))
    assert first.pop("received_total") + 1 == second.pop("received_total")
    assert first == {"status": "ok", "processed": ["a"], "duplicates": 0, "total_received": 1, "accepted": 1}
    assert second == {"status": "ok", "processed": [], "duplicates": 1, "total_received": 1, "accepted": 1}
    assert sidecar.ids(topic) == ["a"]


def test_batch_is_answered_in_its_order_and_a_duplicate_inside_it_counts(sidecar, topic):
    sidecar.publish(event(topic, "old"))
    answer = sidecar.publish([event(topic, event_id) for event_id in ["c", "a", "c", "old", "b", "a"]])
    answer.pop("received_total")
    assert answer == {"status": "ok", "processed": ["c", "a", "b"], "duplicates": 3, "total_received": 6, "accepted": 6}
    assert sidecar.ids(topic) == ["old", "c", "a", "b"]


def test_empty_batch_is_zeros(sidecar):
    total = sidecar.stats()["received"]
    assert sidecar.publish([]) == {"status": "ok", "processed": [], "duplicates": 0, "total_received": 0, "accepted": 0,
                                   "received_total": total}


def test_batch_of_1000_events(sidecar, topic):
    ids = [f"e{i}" for i in range(1000)]
    answer = sidecar.publish([event(topic, event_id) for event_id in ids])
    assert answer["processed"] == ids
    assert sidecar.ids(topic) == ids


def test_event_of_1_mib(sidecar, topic):
    posted = event(topic, "big", payload="x" * (1 << 20))
    assert sidecar.publish(posted)["processed"] == ["big"]
    assert sidecar.events(topic)[0]["payload"] == posted["payload"]


def test_batch_of_big_events(sidecar, topic):
    posted = [event(topic, f"big-{i}", payload="x" * 1_000_000) for i in range(15)]
    assert len(sidecar.publish(posted)["processed"]) == 15
    assert [len(found["payload"]) for found in sidecar.events(topic)] == [1_000_000] * 15


def test_same_id_from_16_connections_at_once_is_processed_exactly_once(sidecar, topic):
    rounds, connections = 20, 16
    barrier = threading.Barrier(connections)

    def publish_all(_):
        answers = []
        with contextlib.closing(sidecar.connect()) as connection:
            for number in range(rounds):
                barrier.wait(60)
                connection.request("POST", "/publish", json.dumps(event(topic, f"e{number}")))
                answers.append(read_response(connection).json)
        return answers

    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        answers = list(pool.map(publish_all, range(connections)))
    for number in range(rounds):
        of_round = [answer[number] for answer in answers]
        assert sorted(len(answer["processed"]) for answer in of_round) == [0] * (connections - 1) + [1]
        assert sum(answer["duplicates"] for answer in of_round) == connections - 1
    assert sorted(sidecar.ids(topic)) == sorted(f"e{number}" for number in range(rounds))


def test_many_batches_at_once_are_each_answered_for_their_own_events(sidecar, topic):
    def publish(number):
        ids = [f"{number}-{i}" for i in range(300)]
        return sidecar.publish([event(topic, event_id) for event_id in ids])["processed"] == ids

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(publish, range(48)))
    assert len(sidecar.events(topic)) == 48 * 300


def test_duplicate_of_an_mqtt_publish_and_the_other_way_round(broker, sidecar, topic):
    client = broker.connect()
    client.publish(topic, b'{"event_id":"a"}')
    assert sidecar.publish([event(topic, "a"), event(topic, "b")])["processed"] == ["b"]
    before = sidecar.stats()["duplicate_dropped"]
    client.publish(topic, b'{"event_id":"b"}')
    assert sidecar.stats()["duplicate_dropped"] == before + 1
    assert sidecar.ids(topic) == ["a", "b"]


def test_subscriber_gets_each_event_once_byte_for_byte_as_posted_with_qos_1(broker, sidecar, topic):
    texts = [
        '{"topic":"%s","event_id":"a","timestamp":"2024-01-02"}' % topic,
        '{ "z" : [1.0, 1e3, 123456789012345678901234567890],\n\t"event_id" : "\\u0062", "topic":"%s",\r\n'
        ' "timestamp":"2024-01-02T03:04:05+02:00","source":null , "payload":{"\\/":"\\ud83d\\ude00 \u00e9"} }' % topic,
    ]
    subscriber = broker.connect().subscribe(topic, qos=2)
    sidecar.publish(f"\n {texts[0]} \n")
    sidecar.publish(f"[{texts[0]}, {texts[1]}\n]")
    messages = subscriber.wait_messages(2)
    broker.connect().publish(topic, b"the end")
    subscriber.wait_messages(3)
    assert [message.payload for message in messages[:2]] == [text.encode() for text in texts]
    assert {(message.qos, message.retain, message.topic) for message in messages[:2]} == {(1, False, topic)}


def test_values_are_read_back_as_posted(sidecar, topic):
    payload = ('{"big":9007199254740993,"bigger":123456789012345678901234567890,"float":1.10,"exponent":-1.5E+300,'
               '"zero":-0.0,"escapes":"\\u00e9\\/\\n\\ud83d\\ude00","nested":[[[{"a":[null,true,false]}]]],"":0,'
               '"space":[ 1 ,2 ]}')
    members = ('"topic":"%s","event_id":"\\u0041/\\"","timestamp":"2024-01-02T03:04:05.000000+05:30",'
               '"source":"caf\\u00e9","payload":%s' % (topic, payload))
    text = '{%s,"unknown":{"event_id":"x"}}' % members
    assert sidecar.publish(text)["processed"] == ['A/"']
    row = sidecar.get(f"/events?topic={topic}").body.decode()
    assert row.startswith('[{%s,"message":%s,"seq":' % (members, text))


def test_missing_source_and_payload_are_null(sidecar, topic):
    sidecar.publish(event(topic, "a"))
    found, = sidecar.events(topic)
    assert (found["source"], found["payload"]) == (None, None)


def test_ids_are_compared_byte_for_byte_after_unescaping(sidecar, topic):
    def publish(id_text):
        text = '{"topic":"%s","event_id":"%s","timestamp":"2024-01-02"}' % (topic, id_text)
        return sidecar.publish(text)["duplicates"]

    assert publish("A/\\n") == 0
    assert publish("\\u0041\\/\\u000a") == 1
    for different in ("a/\\n", "A/\\n ", " A/\\n", "\u0410/\\n", "A/", "A/\\u0000", "\u00e9", "e\u0301", "\\u0000",
                      "\\u0000\\u0000"):
        assert publish(different) == 0, different


def test_topic_and_id_are_not_run_together(sidecar, topic):
    batch = [event(topic, "bc"), event(topic + "b", "c"), event(topic, "b:c"), event(topic + ":b", "c"),
             event(topic + "/b", "c"), event(topic, "/bc"), event(topic, "b/c")]
    assert sidecar.publish(batch)["duplicates"] == 0


def test_id_and_topic_of_the_greatest_length(sidecar):
    long_topic = "l" * 65_535
    assert sidecar.publish(event(long_topic, "i" * 256))["processed"] == ["i" * 256]
    assert sidecar.publish(event(long_topic, "i" * 256))["duplicates"] == 1


@pytest.mark.parametrize("timestamp", [
    "2024-02-29", "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", "2024-01-02 03:04:05.5",
    "2024-01-02T03:04:05.123456+02:00", "20240102T030405Z",
])
def test_timestamp_is_iso_8601_with_or_without_a_zone(sidecar, topic, timestamp):
    sidecar.publish({**event(topic, "a"), "timestamp": timestamp})
    assert sidecar.events(topic)[0]["timestamp"] == timestamp


@pytest.mark.parametrize("content_type", [None, "application/json; charset=utf-8", "text/plain", "nonsense",
                                          "application/x-www-form-urlencoded", "multipart/form-data",
                                          "multipart/form-data; boundary=x"])
def test_content_type_is_not_insisted_on(sidecar, topic, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    response = sidecar.post(event(topic, "a", payload="x" * 20_000), headers)
    assert response.status == 200, response.body
    assert response.headers["Content-Type"] == "application/json"


def test_chunked_body(sidecar, topic):
    body = json.dumps([event(topic, f"e{i}") for i in range(50)]).encode()
    response = sidecar.post((body[i:i + 100] for i in range(0, len(body), 100)), encode_chunked=True,
                            headers={"Transfer-Encoding": "chunked"})
    assert response.status == 200
    assert len(response.json["processed"]) == 50


def test_chunk_extensions_and_capitals_are_understood(sidecar, topic):
    body = json.dumps(event(topic, "a")).encode()
    answer = sidecar.raw(b"POST /publish HTTP/1.1\r\nHost: x\r\ntransfer-ENCODING: Chunked\r\nConnection: close\r\n\r\n"
                         b"A;name=value\r\n" + body[:10] + b"\r\n" +
                         b"%X\r\n" % len(body[10:]) + body[10:] + b"\r\n0\r\n\r\n")
    assert status_of(answer) == 200
    assert sidecar.ids(topic) == ["a"]


def test_client_that_waits_for_100_continue_gets_it_before_it_sends(sidecar, topic):
    body = json.dumps(event(topic, "a")).encode()
    with contextlib.closing(sidecar.connect()) as connection:
        connection.putrequest("POST", "/publish")
        connection.putheader("Expect", "100-continue")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert read_response(connection).status == 200


def test_client_that_waits_for_100_continue_is_told_so_when_its_body_will_not_be_taken(sidecar):
    answer = sidecar.raw(b"POST /publish HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         b"Content-Length: 999999999\r\n\r\n")
    assert status_of(answer) == 413
    assert b"100 Continue" not in answer


def test_http_1_0_client(sidecar, topic):
    body = json.dumps(event(topic, "a")).encode()
    answer = sidecar.raw(b"POST /publish HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert status_of(answer) == 200
    answer = sidecar.raw(b"GET /events?topic=%s HTTP/1.0\r\n\r\n" % topic.encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])[0]["event_id"] == "a"


def test_connection_serves_many_requests(sidecar, topic):
    with contextlib.closing(sidecar.connect()) as connection:
        for number in range(200):
            connection.request("POST", "/publish", json.dumps(event(topic, f"e{number}")))
            sock = connection.sock
            assert read_response(connection).status == 200
            assert connection.sock is sock, "the sidecar closed the connection"


def test_pipelined_requests_are_answered_in_their_order(sidecar, topic):
    def request(event_id, more=b""):
        body = json.dumps(event(topic, event_id)).encode()
        return b"POST /publish HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" % (more, len(body)) + body

    answers = sidecar.raw(request("a") + request("b") + request("a") + request("c", b"Connection: close\r\n"))
    assert [json.loads(body)["processed"] for body in bodies_of(answers)] == [["a"], ["b"], [], ["c"]]
