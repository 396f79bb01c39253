"""A callback of ansible-core that writes every result of a run as one JSON line: the true answers of the differential tests."""

import datetime
import json
import os

from ansible.plugins.callback import CallbackBase
from ansible.executor.task_result import CallbackTaskResult


def plain(value):
    """What JSON has no form for, as Ansible's own outputs have it: dates in ISO form."""
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record_results"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self):
        super().__init__()
        self.out = open(os.environ["RECORD_RESULTS_TO"], "w")

    def write(self, **fields):
        self.out.write(json.dumps(fields, default=plain) + "\n")
        self.out.flush()

    def v2_playbook_on_play_start(self, play):
        self.write(event="play", name=play.get_name())

    def v2_playbook_on_no_hosts_matched(self):
        self.write(event="no_hosts_matched")

    def v2_playbook_on_no_hosts_remaining(self):
        self.write(event="no_hosts_remaining")

    def v2_playbook_on_task_start(self, task, is_conditional):
        if not task.implicit:
            self.write(event="task", name=task.get_name(), kind="task")

    def v2_playbook_on_handler_task_start(self, task):
        self.write(event="task", name=task.get_name(), kind="handler")

    def v2_playbook_on_include(self, included_file):
        hosts = sorted(host.name for host in included_file._hosts)
        self.write(event="included", file=included_file._filename, hosts=hosts)

    def v2_playbook_on_notify(self, handler, host):
        self.write(event="notify", handler=handler.get_name(), host=host.name)

    def result(self, status, result, **more):
        fields = dict(result.result)
        if "_ansible_item_label" in fields or more.pop("item", False):
            more["item"] = True
        self.write(event="result", status=status, task=result.task.get_name(), host=result.host.name, result=fields, **more)

    def ok(self, result, **more):
        self.result("changed" if result.result.get("changed") else "ok", result, **more)

    def v2_runner_on_ok(self, result):
        self.ok(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result("failed", result, ignored=bool(ignore_errors))

    def v2_runner_on_skipped(self, result):
        self.result("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self.result("unreachable", result, ignored=bool(result.task.ignore_unreachable))

    def v2_runner_item_on_ok(self, result):
        self.ok(result, item=True)

    def v2_runner_item_on_failed(self, result):
        self.result("failed", result, item=True)

    def v2_runner_item_on_skipped(self, result):
        self.result("skipped", result, item=True)

    def v2_runner_retry(self, result):
        self.result("retry", result)

    def v2_playbook_on_stats(self, stats):
        recap = {}
        for host in stats.processed:
            line = stats.summarize(host)
            line["failed"] = line.pop("failures")
            recap[host] = line
        self.write(event="recap", hosts=recap, custom={str(k): v for k, v in stats.custom.items()})
