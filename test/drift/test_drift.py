"""The comparison itself: that it reads the types, notices what moved, and says so. Run by ./dev check; no gateway is started."""
import io, pathlib, sys, types, unittest
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import documents, drift, sdk_types

SDK = """
export declare const HOOK_EVENTS: readonly ['Stop', 'NewEvent'];
export declare type PermissionMode = 'default' | 'plan';
/** Not this one { */
export declare interface Settings {
    /** A comment with a } and 'quotes' */
    model?: string;
    brandNew?: boolean | {
        [k: string]: 'a' | 'b';
    };
    permissions?: { allow?: string[]; newMember?: [string, ...string[]]; [k: string]: unknown; };
    hooks?: { [k: string]: { matcher?: string; hooks: ({ type: 'command'; command: string; } | { type: 'http'; url: string; })[]; }[]; };
}
"""


def product(**changes):
    named = {"settings_keys": ["model", "permissions", "hooks", "gone"], "members": ["permissions.allow", "permissions.old", "hooks.*[].hooks", "hooks.*[].matcher"], "hook_events": ["Stop"], "permission_modes": ["default", "plan"], "desktop_keys": ["banner"], "config_places": {"": {"listen": None}}}
    return types.SimpleNamespace(**{**named, **changes})


class FakeGateway:
    """Refuses the documents of which `refuses` says why; knows these keys of gateway.yaml."""
    def __init__(self, refuses, keys=()): self.name, self.refuses, self.keys = "fake", refuses, keys
    def refused(self, asked, block, progress): return {i: self.refuses(d, block) for i, d in enumerate(asked) if self.refuses(d, block)}
    def config(self): return {}
    def unknown_keys(self, config, place): return {k for k in config if k not in self.keys}


def printed(report):
    out = io.StringIO(); code = report.print(out)
    return code, out.getvalue()


class Drift(unittest.TestCase):
    def test_types_are_read_with_comments_unions_tuples_and_maps(self):
        found = list(dict.fromkeys(sdk_types.members(sdk_types.settings(SDK))))
        self.assertEqual(["model", "brandNew", "permissions", "permissions.allow", "permissions.newMember", "hooks", "hooks.*[].matcher", "hooks.*[].hooks", "hooks.*[].hooks[].type", "hooks.*[].hooks[].command", "hooks.*[].hooks[].url"], found)
        self.assertEqual((["Stop", "NewEvent"], ["default", "plan"]), (sdk_types.hook_events(SDK), sdk_types.permission_modes(SDK)))

    def test_types_that_are_not_there_are_a_reason_not_a_traceback(self):
        for source in ("", "interface Settings { a?: ", "type PermissionMode = string;"):
            with self.assertRaises(sdk_types.Unreadable): sdk_types.settings(source); sdk_types.permission_modes(source)

    def test_what_the_sdk_has_more_or_less_is_named(self):
        report = drift.Report({}); drift.compare_sdk(product(), SDK, report); code, text = printed(report)
        self.assertEqual(1, code)
        for line in ("  brandNew", "  gone", "  permissions.newMember", "  permissions.old", "  NewEvent"): self.assertIn(line + "\n", text)

    def test_an_exception_explains_and_one_that_explains_nothing_is_told(self):
        known = {"settings keys, agent SDK": {"brandNew": "r", "gone": "r"}, "settings members, agent SDK": {"permissions.*": "r"}, "hook events, agent SDK": {"NewEvent": "r"}}
        report = drift.Report(known); drift.compare_sdk(product(), SDK, report); self.assertEqual((0, "nothing moved\n"), printed(report))
        report = drift.Report({**known, "permission modes, agent SDK": {"manual": "r"}}); drift.compare_sdk(product(), SDK, report); code, text = printed(report)
        self.assertEqual(1, code); self.assertIn("permission modes, agent SDK: manual", text)

    def test_a_key_taken_from_our_list_is_named_as_new_in_the_reference(self):
        def reference(document, block):
            (key, value), = document.items()
            return "unknown settings key" if block == "cli" and key not in ("model", "brandNew", "permissions", "hooks") else None
        report = drift.Report({}); drift.compare_settings(product(), SDK, FakeGateway(lambda d, b: None), FakeGateway(reference), report, lambda t: None); code, text = printed(report)
        self.assertEqual(1, code)
        self.assertIn("settings keys: new in the reference\n  brandNew\n", text)
        self.assertIn("settings keys: gone from the reference\n  gone\n", text)
        self.assertIn("hook events: new in the reference\n  NewEvent\n", text)

    def test_a_value_that_is_judged_otherwise_is_named(self):
        strict = lambda d, b: "x" if d == {"permissions": {"newMember": 5}} else None
        report = drift.Report({}); drift.verdicts("settings values", list(documents.of(sdk_types.settings(SDK), "Stop")), "cli", FakeGateway(lambda d, b: None), FakeGateway(strict), report, lambda t: None)
        self.assertIn('permissions.newMember: {"permissions": {"newMember": 5}}', printed(report)[1])

    def test_a_key_of_gateway_yaml_the_reference_gained_or_lost_is_named(self):
        report = drift.Report({}); drift.compare_config(product(config_places={"": {"listen": None, "old": None}}), FakeGateway(None, ("listen", "fresh")), ["fresh", "never"], report, lambda t: None); text = printed(report)[1]
        self.assertIn("new in the reference\n  fresh\n", text); self.assertIn("gone from the reference\n  old\n", text); self.assertNotIn("never", text)

    def test_nothing_moved_is_zero(self): self.assertEqual((0, "nothing moved\n"), printed(drift.Report({})))


if __name__ == "__main__": unittest.main()
