"""The broker's stand-in: librdkafka's mock of a Kafka cluster, in memory. Writes its address to the file named."""

import sys
import time
from pathlib import Path

from confluent_kafka import Producer

if __name__ == "__main__":
    producer = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1})
    broker = next(iter(producer.list_topics(timeout=30).brokers.values()))
    Path(sys.argv[1]).write_text(f"{broker.host}:{broker.port}")
    while True:
        time.sleep(3600)
