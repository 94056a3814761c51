"""`crm relay`: the events of the log for other systems, on NATS JetStream."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import urlsplit

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.keeping import ending, keep_up, polled
from crm_adapters.cli.language import say, spoken
from crm_adapters.projections.worker import Worker
from crm_core.errors import Invalid


@command("relay")
@click.option("--to", "url", required=True, metavar="URL")
@click.option("--stream", default="CRM", show_default=True)
@click.option("--once", is_flag=True)
@click.option("--retry", is_flag=True)
@polled
def relay_command(app: App, url: str, stream: str, once: bool, retry: bool, poll: float) -> int:
    """Publish the events of the log, in order, each once; sealed values stay sealed."""
    if not _names_a_server(url):
        raise Invalid.one("relay_unusable", "--to")
    try:
        from crm_adapters.relay.nats import NatsRelay
    except ImportError as error:
        raise Invalid.one("driver_missing", "--to", sentence="relay_client_missing") from error
    well = True
    with app.open() as crm, closing(NatsRelay(url, crm.log, stream=stream, resume=not retry)) as to:
        consumer = to.consumer(crm.registry.catalog.names())
        worker = Worker(crm.log, crm.views, [consumer], say=app.out.say, lang=spoken())
        if retry:
            with ending(worker):
                app.out.say(say("published_again", events=crm.views.retry(consumer)))
        else:
            well = keep_up(worker, once=once, poll=poll)
        places = [one for one in crm.views.status() if one.consumer == consumer.name]
    result = {
        "position": max((place.position for place in places), default=0),
        "lag": max((place.lag for place in places), default=0),
        "parked": sum(place.parked for place in places),
    }
    app.out.result(result, lambda: app.out.table(list(result), [list(result.values())]))
    return FOUND if result["parked"] or not well else 0


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("nats", "tls") and bool(parts.hostname)
