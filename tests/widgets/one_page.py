"""One widget in a real page, with a model as small as anywidget's contract lets it be."""

from __future__ import annotations

import json
import shutil
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Route

from aimass_jupyter.widgets.assets import ROOM, script, style

CHROMIUM = shutil.which("chromium")
HOST = "http://widgets.test/"
MAY = ["stop", "train", "promote", "deploy", "predict", "rollback"]
DEFAULTS: dict[str, Any] = {"busy": "", "problem": None, "may": MAY}
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"

# A page with one widget, whose model is as small as anywidget's contract lets it be.
PAGE = """<!doctype html><meta charset=utf-8><div id=root></div>
<script type=module>
const state = STATE, handlers = {};
window.sent = [];
window.emit = (name, ...values) => (handlers[name] ?? []).forEach(handler => handler(...values));
const model = {
  get: name => state[name],
  on: (name, handler) => (handlers[name] ??= []).push(handler),
  off: (name, handler) => (handlers[name] = (handlers[name] ?? []).filter(h => h !== handler)),
  send: message => sent.push(message)
};
window.change = (name, value) => { state[name] = value; emit(`change:${name}`); };
const widget = await (await import('/module.js')).default();
widget.initialize?.({ model });
window.leave = widget.render({ model, el: document.getElementById('root') });
window.ready = true;
</script>"""


class Widget:
    """One widget in a page, and what it did."""

    def __init__(self, page: Page, entry: str, state: dict[str, Any]) -> None:
        self.page = page
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        text = json.dumps(state).replace("<", "\\u003c")
        styles = style(*sorted(path.name for path in ROOM.glob("*.css")))
        self._files = {
            "": ("text/html", f"<style>{styles}</style>" + PAGE.replace("STATE", text)),
            "module.js": ("text/javascript", script(entry)),
            "favicon.ico": ("image/x-icon", ""),
        }
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        page.route("**/*", self._serve)
        page.goto(HOST)
        page.wait_for_function("window.ready")

    def _serve(self, route: Route) -> None:
        name = route.request.url.removeprefix(HOST)
        if name not in self._files:
            self.elsewhere.append(route.request.url)
            return route.abort()
        kind, body = self._files[name]
        return route.fulfill(content_type=kind, body=body)

    def change(self, trait: str, value: Any) -> None:
        self.page.evaluate("([name, value]) => change(name, value)", [trait, value])

    def receive(self, **message: Any) -> None:
        self.page.evaluate("message => emit('msg:custom', message)", message)

    @property
    def sent(self) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = self.page.evaluate("sent")
        return sent

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)


class Opener:
    """Opens widgets, and says at the end that nothing went wrong in their pages."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context(viewport={"width": 900, "height": 900})
        self._context.set_default_timeout(60_000)
        self._opened: list[Widget] = []

    def __call__(self, entry: str, state: dict[str, Any]) -> Widget:
        widget = Widget(self._context.new_page(), entry, DEFAULTS | state)
        self._opened.append(widget)
        return widget

    def close(self) -> None:
        faults = [one.faults + one.elsewhere for one in self._opened]
        self._context.close()
        assert faults == [[] for _ in faults]
