"""A table with a text, from its file to an endpoint's answer over HTTP. The file is made here."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import httpx
import pytest

from aimass_jupyter.client import Client
from aimass_jupyter.contract.errors import InvalidRequest
from aimass_jupyter.inference import load_bundle

GOOD, BAD = "great quick friendly perfect easy", "broken slow rude awful late"
OTHERS = "the a it was and with for my this of in on we they order shop day price box"


def reviews(path: Path) -> Path:
    """600 rows: a telling word among others, a number, a category, the customer's name."""
    draw = random.Random(4)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["review", "price", "shop", "customer", "label"])
        for row in range(600):
            words = draw.choices(OTHERS.split(), k=draw.randint(6, 14))
            words[draw.randrange(len(words))] = draw.choice((BAD, GOOD)[row % 2].split())
            text = " ".join(words).capitalize() + draw.choice(["!", ", really.", ""])
            shop, label = draw.choice(["north", "süd"]), ("bad", "good")[row % 2]
            rows.writerow([text, draw.randint(5, 50), shop, f"C-{row}", label])
    return path


def test_a_table_with_a_text_becomes_an_endpoint(client: Client, tmp_path: Path) -> None:
    dataset = client.datasets.import_(reviews(tmp_path / "reviews.csv"))
    kinds = {column.name: column.kind for column in dataset.latest.columns}
    assert kinds == {
        "review": "text", "price": "number", "shop": "category",
        "customer": "identifier", "label": "category",
    }  # fmt: skip
    (best, *_) = client.algorithms.list(dataset="reviews").items
    assert "3 usable columns" in best.reason

    params = {"epochs": 8, "word_dropout": 0.1, "word_swap": 0.1, "text_slots": 256}
    job = client.jobs.submit(dataset="reviews", algorithm="classification", np=2, params=params)
    ended = client.wait(job.id)
    assert ended.state == "succeeded", ended.cause
    assert (ended.metrics["accuracy"] or 0) > 0.85

    endpoint = client.endpoints.deploy(model="reviews")
    texts = ["A friendly shop, perfect!", "Rude, and the box was broken", "", "\ud83d great"]
    rows = {"review": texts, "price": [20.0] * 4, "shop": ["north", "west", "süd", "north"]}
    kinds = {"review": "BYTES", "price": "FP64", "shop": "BYTES"}
    tensors = [
        {"name": name, "datatype": kinds[name], "shape": [4], "data": values}
        for name, values in rows.items()
    ]
    headers = {"authorization": f"Bearer {endpoint.key}", "content-type": "application/json"}
    body = json.dumps({"inputs": tensors})
    answer = httpx.post(f"{endpoint.url}/infer", content=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    outputs = {output["name"]: output["data"] for output in answer.json()["outputs"]}
    assert outputs["label"][:2] == ["good", "bad"]
    assert outputs["label"][3] == "good"  # half of a letter before it does no harm

    bundle = tmp_path / "reviews.aimass"
    bundle.write_bytes(client.models.download("reviews"))
    elsewhere = load_bundle(bundle).predict(rows)
    assert elsewhere["label"].tolist() == outputs["label"]
    assert elsewhere["probabilities"].ravel().tolist() == pytest.approx(outputs["probabilities"])

    with pytest.raises(InvalidRequest, match="input 'review' is 5, and BYTES holds text"):
        client.endpoints.predict("reviews", rows=[{"review": 5, "price": 1, "shop": "north"}])
    with pytest.raises(InvalidRequest, match=r"'\\ud83d' is half of a letter"):
        client.endpoints.predict("reviews", rows=[{"review": "\ud83d", "price": 1, "shop": ""}])
    client.endpoints.delete("reviews")
