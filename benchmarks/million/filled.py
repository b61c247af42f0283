"""A store filled with copies of one run: how long MLflow takes to search it, and to record one run more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import sqlalchemy
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from benchmarks.million.stores import TABLES, Store

ROUNDS = 3


def fill(store: Store, runs: int) -> None:
    """Copies the store's only run until there are so many in all; the copies differ in their ids and times."""
    with store.connected() as connection:
        template = connection.exec_driver_sql("select run_uuid from tags where key = 'job_key'").scalars().first()
        have = connection.exec_driver_sql("select count(*) from runs").scalar_one()
        numbers, hexed = _numbers(connection.dialect.name, have, runs)
        for table in TABLES:
            names = [column["name"] for column in sqlalchemy.inspect(connection).get_columns(table)]
            shown = [_expression(name, hexed) for name in names]
            of = _template(table)
            words = (
                f"insert into {table} ({', '.join(names)}) select {', '.join(shown)} from {table} t, {numbers} n {of}"  # noqa: S608
            )
            connection.execute(sqlalchemy.text(words), {"run": template} if of else {})
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("analyze")


def _numbers(dialect: str, first: int, last: int) -> tuple[str, str]:
    """A table with a column i of whole numbers, and its value as 32 hexadecimal digits."""
    if dialect == "postgresql":
        return f"generate_series({first}, {last - 1})", "lpad(to_hex(n), 32, '0')"
    counting = f"with recursive c(i) as (select {first} union all select i + 1 from c where i < {last - 1})"  # noqa: S608
    return f"({counting} select i from c)", "printf('%032x', n.i)"  # noqa: S608


def _expression(name: str, hexed: str) -> str:
    """What a copy has in this column."""
    if name in ("run_uuid", "destination_id", "input_uuid", "dataset_uuid", "source_id"):
        return hexed
    if name == "digest":
        return f"substr({hexed}, 1, 36)"
    if name in ("start_time", "end_time"):
        number = "n" if "to_hex" in hexed else "n.i"
        return f"t.{name} + 1000 * {number}"
    return f"t.{name}"


def _template(table: str) -> str:
    """Which rows are copied, those of one run."""
    of_inputs = "select input_uuid from inputs where destination_id = :run"
    of_data = "select source_id from inputs where destination_id = :run"
    return {
        "datasets": f"where t.dataset_uuid in ({of_data})",
        "inputs": "where t.destination_id = :run",
        "input_tags": f"where t.input_uuid in ({of_inputs})",
    }.get(table, "where t.run_uuid = :run")


def searches(store: Store) -> Iterator[tuple[str, float]]:
    """What is done, and the median of its seconds."""
    client = MlflowClient(store.uri)
    experiment = str(client.search_experiments(filter_string="name = 'filled'")[0].experiment_id)
    newest = ["attributes.start_time DESC"]
    find = partial(client.search_runs, [experiment], max_results=100, order_by=newest)
    page = partial(client.search_runs, [experiment], max_results=500, order_by=newest)
    worst = partial(client.search_runs, [experiment], max_results=100)
    pieces: dict[str, Callable[[], object]] = {
        "the newest 100": find,
        "100 by a tag": partial(find, "tags.verdict = 'mismatch'"),
        "100 by a parameter": partial(find, "params.seed = 'none'"),
        "100 by a metric": partial(find, "metrics.`verdict/precision_roundings` > 1000"),
        "the worst 100 by a metric": partial(worst, order_by=["metrics.`verdict/precision_roundings` DESC"]),
        "a page of 500": page,
        "one more run": partial(_record, client, experiment),
    }
    for name, work in pieces.items():
        yield name, _seconds(work)


def _record(client: MlflowClient, experiment: str) -> None:
    run = client.create_run(experiment).info.run_id
    params = [Param(f"p{i}", str(i)) for i in range(80)]
    client.log_batch(run, params=params)
    client.log_batch(run, [Metric(f"m{i}", i, 0, 0) for i in range(25)], tags=[RunTag("verdict", "agree")])
    client.set_terminated(run)


def _seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return sorted(times)[ROUNDS // 2]
