#!/usr/bin/env python3
"""Drives the real Claude Code client through a gateway to every provider, and looks at its /usage screen.

  every_provider.py --cmd 'dist/claude-gateway --config {config}' [--claude PATH] [-k NAME] [--verbose]

Signs the client in once, on its own screen. Then for each provider, with a fake of it: a plain prompt, a prompt that makes the
model use a tool, and /context, which counts tokens. What the client sends must pass the gateway and reach the provider in the
provider's form, with the gateway's credential and without the client's. Everything stays on loopback.

Needs what ../shared/interop/real_client.py needs: root, tmux, Node 20+, npm, openssl, PostgreSQL. Prints a line per check and
ends with 'N passed, N failed'.
"""
import argparse, contextlib, json, os, pathlib, re, shutil, subprocess, sys, time

SHARED = pathlib.Path(__file__).resolve().parents[2].parent / "shared"
for folder in ("interop", "conformance", "conformance/cases"):
    if not (SHARED / folder).is_dir():
        sys.exit(f"the real client cannot be driven: expected {SHARED / folder}")
    sys.path.insert(0, str(SHARED / folder))
import clouds, gwtest, real_client, spendlib  # noqa: E402

if os.geteuid() != 0 or not shutil.which("tmux"):
    sys.exit("the real client cannot be driven: that takes root, which keeps its managed settings off the machine, and tmux")

SONNET, OPUS = "claude-sonnet-4-6", "claude-opus-4-8"
GREETING, NOTE = "Greetings from the model", "the-password-is-sesame"
EVENT_STREAM = "application/vnd.amazon.eventstream"


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, detail=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"ok    {name}" if good else f"FAIL  {name}: {detail}", flush=True)


# ---------------------------------------------------------------- the model


def answer(body, note):
    """What the model says: a tool call when asked for one, then what the tool found, else a greeting."""
    asked, has_read = json.dumps(body.get("messages")), any(tool.get("name") == "Read" for tool in body.get("tools") or [])
    if "tool_result" in asked:
        return {"type": "text", "text": "The note says " + NOTE if NOTE in asked else "The tool found nothing: " + asked[-500:]}
    if "read the note" in asked and has_read:
        return {"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {"file_path": note}}
    return {"type": "text", "text": GREETING}


def message(model, block):
    reason = "tool_use" if block["type"] == "tool_use" else "end_turn"
    usage = {"input_tokens": 1000, "output_tokens": 500, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [block], "stop_reason": reason, "stop_sequence": None, "usage": usage}


def events(model, block):
    """The message as a stream, its text or its tool's input cut into pieces."""
    whole = message(model, block)
    empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
    kind, field, text = ("text_delta", "text", block["text"]) if block["type"] == "text" else ("input_json_delta", "partial_json", json.dumps(block["input"]))
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}}
    yield {"type": "content_block_start", "index": 0, "content_block": empty}
    for at in range(0, len(text), 10):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: text[at : at + 10]}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}, "usage": {"output_tokens": 500}}
    yield {"type": "message_stop"}


def fake_provider(t, note):
    """Anthropic's API and every cloud that has models: the path says what is asked in which form."""

    def handle(request):
        path, body = request["path"], request["json"] or {}
        answered, json_type = answer(body, note), {"content-type": "application/json", "request-id": "req_up1"}
        if path.endswith("/v1/token"):
            return 200, json_type, json.dumps({"access_token": "ya29.fake", "token_type": "Bearer", "expires_in": 3600})
        if "count-tokens" in path:
            return 200, json_type, json.dumps({"inputTokens": 4242})
        if "count_tokens" in path or "count-tokens:" in path:
            return 200, json_type, json.dumps({"input_tokens": 4242})
        model = body.get("model") or SONNET
        if path.endswith("invoke-with-response-stream"):
            return 200, {"content-type": EVENT_STREAM, "x-amzn-requestid": "amzn-1"}, [clouds.es_chunk(event) for event in events(model, answered)]
        if body.get("stream") or "streamRawPredict" in path:
            return 200, {**json_type, "content-type": "text/event-stream"}, [gwtest.sse(event["type"], event) for event in events(model, answered)]
        return 200, json_type, json.dumps(message(model, answered))

    return t.server(handle)


# ---------------------------------------------------------------- the providers


class Provider:
    """What is written in gateway.yaml, and how a request looks that reaches the provider."""

    def __init__(self, name, upstream, path, credential, count=r"count[_-]tokens", model=SONNET):
        self.name, self.upstream, self.path, self.credential, self.count, self.model = name, upstream, path, credential, count, model

    def faults(self, requests, client_bearer):
        """Why these requests are not as the provider wants them."""
        for request in requests:
            headers = {name.lower(): value for name, value in request["headers"]}
            path = clouds.norm_path(request["path"])
            if not re.search(self.path, path) and not re.search(self.count, path):
                yield f"path {path}"
            if not self.credential(headers):
                yield f"no credential of the gateway for {path}: {sorted(headers)}"
            if any(client_bearer in value for value in headers.values()):
                yield f"the client's bearer at {path}"


def signed(service):
    return lambda headers: f"Credential={clouds.AKID}/" in headers.get("authorization", "") and f"/{service}/aws4_request" in headers["authorization"]


def has(name, value):
    return lambda headers: headers.get(name) == value


def anthropic(fake):
    return {"provider": "anthropic", "base_url": fake.url, "auth": {"api_key": "sk-upstream"}}


def providers(t, fake):
    google = has("authorization", "Bearer ya29.fake")
    mantle = clouds.mantle(fake) | {"models": [SONNET, OPUS, "claude-haiku-4-5"]}
    return [
        Provider("anthropic", anthropic(fake), r"^/v1/messages\?beta=true$", has("x-api-key", "sk-upstream")),
        Provider("bedrock", clouds.bedrock(fake), r"^/model/[^/]+/invoke(-with-response-stream)?$", signed("bedrock")),
        Provider("mantle", mantle, r"/v1/messages$", signed("bedrock-mantle"), model=OPUS),
        Provider("anthropicAws", clouds.platform(fake), r"^/v1/messages(\?beta=true)?$", has("x-api-key", "aws-platform-key")),
        Provider("anthropicGoogleCloud", clouds.google_cloud(t, fake), r"/v1/messages(\?beta=true)?$", google),
        Provider("vertex", clouds.vertex(t, fake), r"/projects/example-prod/locations/us-east5/publishers/anthropic/models/[^/]+:(streamR|r)awPredict$", google),
        Provider("foundry", clouds.foundry(fake), r"/v1/messages(\?beta=true)?$", lambda headers: "foundry-key" in (headers.get("x-api-key"), headers.get("api-key"))),
    ]


def through(report, t, client, config, provider, fake, verbose):
    """The client's prompts, sent to one provider."""
    gateway = t.start({**config, "upstreams": [provider.upstream]})
    fake.clear()
    try:
        for what, text, shown in (
            ("a prompt", "say hello", GREETING),
            ("a tool", "read the note", NOTE),
            ("token counting", "/context", "Context Usage"),
        ):
            before = len(fake.requests)
            code, out, err = client.prompt(text, "--model", provider.model, timeout=120)
            sent = [request for request in fake.requests[before:] if not request["path"].endswith("/v1/token")]
            if verbose:
                print(f"      {[request['path'] for request in sent]}\n      {out[:300]!r}", flush=True)
            report.check(f"{provider.name}: {what}", code == 0 and shown in out, f"exit {code}, output {out[:300]!r}, errors {err[:300]!r}, {gateway.err[-3:]}")
            counted = [request for request in sent if re.search(provider.count, request["path"])]
            asked = len(counted) if what == "token counting" else len(sent) - len(counted)
            report.check(f"{provider.name}: {what} reaches the provider", asked >= (2 if what == "a tool" else 1), [request["path"] for request in sent])
        faults = list(provider.faults([request for request in fake.requests if not request["path"].endswith("/v1/token")], client.bearer))
        report.check(f"{provider.name}: in the provider's form, with the gateway's credential alone", not faults, faults[:3])
        refused = [event for event in gateway.audit("inference") if event["status"] >= 400]
        report.check(f"{provider.name}: nothing is refused", not refused, refused[:2])
    finally:
        gateway.stop()


# ---------------------------------------------------------------- the usage screen

PERIODS = {"daily": "today", "weekly": "this week", "monthly": "this month"}
SPENT, MESSAGES = "0.21", 20  # a message costs 1.05 cents, and of the sum whole cents are shown


def set_caps(gateway, cents):
    """The developer's caps by period; one without a figure is taken away."""
    for limit in gateway.request("GET", spendlib.PATH, spendlib.R).json["data"]:
        gateway.request("DELETE", f"{spendlib.PATH}/{limit['id']}", spendlib.W)
    for period, amount in cents.items():
        made = gateway.request("POST", spendlib.PATH, spendlib.W, {"scope": spendlib.user("alice"), "period": period, "amount": str(amount)})
        if made.status != 200:
            raise RuntimeError(f"no cap can be set: {made.status} {made.text[:300]}")


def await_fullest(gateway, bearer, period):
    """A gateway may answer from what it knew two seconds ago."""
    end = time.time() + 10
    while time.time() < end:
        told = gateway.request("GET", "/api/oauth/usage", {"authorization": f"Bearer {bearer}"}).json
        if [limit["group"] for limit in told["limits"] if limit["is_active"]] == ([period] if period else []):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the gateway never tells of the caps that were set: {told}")


def past_welcome(client):
    """A first start asks this and that before it takes input."""
    for _ in range(10):
        step = client.wait(r"text style|Press Enter to continue|I trust this folder|for agents|for shortcuts|mode on", 60).group(0)
        if step == "I trust this folder":
            client.choose("I trust")
        elif step in ("text style", "Press Enter to continue"):
            client.key("Enter")
        else:
            return
        if not gone(client, step):
            raise AssertionError(f"the client stays at '{step}'")
    raise AssertionError("the client never takes input:\n" + client.screen()[-1500:])


def gone(client, text, seconds=20):
    end = time.time() + seconds
    while text in client.screen() and time.time() < end:
        time.sleep(0.2)
    return text not in client.screen()


def usage(report, t, client, config, fake, verbose):
    """What /usage shows: the fullest cap's figures, and without caps what was spent."""
    config = {**config, "upstreams": [anthropic(fake)], "store": {"postgres_url": t.pg.url(t.pg.create())}}
    gateway = t.start(config)
    for _ in range(MESSAGES):
        t.messages(gateway, {"authorization": f"Bearer {client.bearer}"}, model=SONNET)
    screens = [({period: 30 if period == fullest else 1000 for period in PERIODS}, rf"70% used.*\${SPENT} / \$0\.30 spent {word}") for fullest, word in PERIODS.items()]
    screens.append(({}, rf"\${SPENT} today · \${SPENT} this week · \${SPENT} this month"))
    try:
        for caps, shown in screens:
            fullest = min(caps, key=caps.get) if caps else None
            set_caps(gateway, caps)
            await_fullest(gateway, client.bearer, fullest)
            client.open("--model", SONNET)
            past_welcome(client)
            client.tmux("send-keys", "-l", "/usage")
            client.wait(r"❯\s*/usage")
            client.key("Enter")
            name = f"/usage shows the fullest of three caps, the {fullest} one" if fullest else "/usage without caps shows what was spent in day, week and month"
            try:
                client.wait(shown)
                report.check(name, True)
            except AssertionError as error:
                report.check(name, False, error)
            if verbose:
                print(client.screen(), flush=True)
            client.close()
        asked = [event for event in gateway.audit() if event.get("status", 200) >= 400]
        report.check("/usage: nothing is refused", not asked, asked[:2])
    finally:
        client.close()
        gateway.stop()


# ---------------------------------------------------------------- the client


def bearer_of(client):
    """The access token the client keeps; it must not get further than the gateway."""
    for file in pathlib.Path(client.dir, "home").rglob("*"):
        if file.is_file():
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if found := re.search(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", file.read_text()):
                    return found.group(0)
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmd", required=True)
    parser.add_argument("--claude")
    parser.add_argument("-k", default="", metavar="NAME")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    report, t, client, began = Report(), gwtest.Harness(options.cmd, SHARED), None, time.time()
    try:
        idp = t.idp()
        # With a list of models in force every model a body names is judged: nothing of what the client sends may be refused.
        policy = {"match": {}, "cli": {"availableModels": [SONNET, OPUS, "claude-haiku-4-5"]}}
        config = t.config(idp, [t.upstream()], admin=spendlib.ADMIN, managed={"policies": [policy]})
        client = real_client.Client(options.claude or real_client.client_binary(), config["listen"]["public_url"], options.verbose)
        note = pathlib.Path(client.dir, "proj", "note.txt")
        note.write_text(NOTE + "\n")
        fake = fake_provider(t, str(note))
        gateway = t.start({**config, "upstreams": [anthropic(fake)]})
        client.sign_in(lambda code: t.approve(gateway, code))
        client.bearer = bearer_of(client)
        report.check("the client signs in", client.bearer, "it keeps no bearer")
        gateway.stop()
        for provider in providers(t, fake):
            if options.k in provider.name:
                through(report, t, client, config, provider, fake, options.verbose)
        if options.k in "usage":
            usage(report, t, client, config, fake, options.verbose)
    except Exception as error:  # noqa: BLE001: whatever ends the run is a failure, and the rest must be stopped
        report.check("the run", False, repr(error)[:2000])
    finally:
        if client:
            client.close()
            shutil.rmtree(client.dir, ignore_errors=True)
        t.close()
        if gwtest.Harness._pg:
            subprocess.run([*gwtest.Harness._pg.ctl, "-m", "immediate", "stop"], capture_output=True, check=False)
    print(f"{time.time() - began:.0f} s", flush=True)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
