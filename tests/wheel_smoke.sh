#!/usr/bin/env bash
# Builds the source archive, the wheel from that archive, installs the wheel into an empty environment, and there, far
# from the checkout, does what a new user does. Finds what an editable install hides: a file missing from the package.
#
#   tests/wheel_smoke.sh PYTHON    PYTHON has `build`, `hatchling` and pip (.venv/bin/python)
set -euo pipefail

builder=$1
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
elsewhere=$(cd "$(mktemp -d)" && pwd -P)
trap 'rm -rf "$elsewhere"' EXIT

unset "${!GIT_@}" "${!XDG_@}" PYTHONPATH PYTHONHOME VIRTUAL_ENV
export GIT_CONFIG_NOSYSTEM=1

fail() {
  echo "wheel smoke test: $*" >&2
  exit 1
}

# Runs a command and wants words in what it prints.
expect() {
  local words=$1 printed
  shift
  printed=$("$@" 2>&1) || fail "\`$*\` exited $?: $printed"
  [[ $printed == *"$words"* ]] || fail "\`$*\` did not say '$words' but: $printed"
  echo "ok: $*"
}

"$builder" -m build --no-isolation --outdir "$elsewhere/dist" "$checkout" >"$elsewhere/build.log" 2>&1 ||
  fail "the build failed: $(cat "$elsewhere/build.log")"
wheel=("$elsewhere"/dist/*.whl)

"$builder" - "$checkout" "${wheel[0]}" <<'PYTHON'
import sys
from pathlib import Path
from zipfile import ZipFile

checkout, wheel = Path(sys.argv[1]), ZipFile(sys.argv[2])
names = set(wheel.namelist())
schemas = sorted((checkout / "schemas").rglob("*.json"))
assert schemas, "the checkout has no schemas"
for schema in schemas:
    name = f"mlver/schemas/{schema.relative_to(checkout / 'schemas')}"
    assert name in names, f"{name} is not in the wheel"
    assert wheel.read(name) == schema.read_bytes(), f"{name} is not the checkout's"
strangers = [name for name in names if not name.startswith(("mlver/", "mlver-"))]
assert not strangers, f"the wheel holds more than mlver: {strangers}"
assert "mlver/py.typed" in names, "mlver/py.typed is not in the wheel"
assert any(name.endswith("licenses/LICENSE") for name in names), "the licence is not in the wheel"
print(f"ok: the wheel holds {len(names)} files, {len(schemas)} schemas among them")
PYTHON

# The builder's own pip installs into an environment that holds nothing, not even pip: what the lock names, and then the
# wheel with no index to look in, so that nothing it requires may be missing from the lock.
"$builder" -m venv --without-pip "$elsewhere/venv"
python=$elsewhere/venv/bin/python
if [[ ${MLVER_TESTS_LATEST-} ]]; then
  "$builder" -m pip --python "$python" install -qq "${wheel[0]}"
else
  "$builder" -m pip --python "$python" install -qq --require-hashes --requirement "$checkout/locks/mlver.txt"
  "$builder" -m pip --python "$python" install -qq --no-index "${wheel[0]}"
fi

mkdir "$elsewhere/home" "$elsewhere/repository"
export HOME=$elsewhere/home PATH=$elsewhere/venv/bin:$PATH
cd "$elsewhere/repository"

"$python" - "$checkout" "$elsewhere/venv" <<'PYTHON'
import importlib
import pkgutil
import sys
from pathlib import Path

checkout, venv = Path(sys.argv[1]), Path(sys.argv[2])
import mlver

modules = [found.name for found in pkgutil.walk_packages(mlver.__path__, "mlver.") if found.name != "mlver.__main__"]
# What an extra of mlver brings, and this environment lacks.
extras = {"obstore", "urllib3", "distributed", "numpy", "h5py", "gguf", "prometheus_client"}
for name in modules:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name in extras, f"{name} needs {error.name}"
for name, module in sorted(sys.modules.items()):
    file = getattr(module, "__file__", None)
    assert not file or not Path(file).resolve().is_relative_to(checkout), f"{name} came from the checkout: {file}"
    assert not name.startswith("mlver") or not file or Path(file).is_relative_to(venv), f"{name} came from {file}"
assert not any(Path(entry).resolve().is_relative_to(checkout) for entry in sys.path if entry), sys.path
print(f"ok: {len(modules)} modules, none from the checkout")
PYTHON

version=$("$python" -c 'from importlib.metadata import version; print(version("mlver"))')
expect "$version" mlver --version
expect "$version" git mlver --version

# Not every machine has man, which finds the pages beside the folder of programs on the PATH.
if command -v man >/dev/null; then
  expect 'Version models with git' env MANPAGER=cat man mlver
  expect 'Register a version' env MANPAGER=cat man mlver-register
  expect 'Version models with git' env MANPAGER=cat git mlver --help
fi

git init -q -b main
git config user.name Kim
git config user.email kim@example.org
printf '/model/\n' >.gitignore
git add .gitignore
git commit -q -m 'First'
mkdir model
printf 'weights\n' >model/weights.bin
printf '{"accuracy": 0.9}\n' >metrics.json
git add metrics.json
git commit -q -m 'Train'

expect '' mlver init
expect '1.0.0' mlver register digits --weights model --metrics metrics.json --param lr=0.1 -m 'first'
expect '1.0.0' mlver list
expect '' git mlver verify --all
expect 'name: mlver check' mlver ci github --stdout
[[ $(git tag) == 'digits@v1.0.0' ]] || fail "the version has no tag, but: $(git tag)"
[[ -z $(git status --porcelain) ]] || fail "the repository is not clean: $(git status --porcelain)"
