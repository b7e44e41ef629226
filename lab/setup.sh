# shellcheck shell=bash
# What ./run and ./test share: installing what is missing, building what is out of date, the home with its console brought to this machine.

# The packages of the demo home and why each is needed; names may differ from those of the programs in them.
home_packages=(
    clang zlib1g-dev                # native programs
    libnftables1 nftables           # the fence, and the observer's counters
    dnsmasq-base                    # addresses; names of the made-up Internet
    iproute2 util-linux uidmap procps # namespaces
    busybox-static swupdate cpio openssl hping3 # the recorder, its updater, its firmware, its flood
    cups-ipp-utils avahi-daemon dbus # the printer
    nginx-light ngircd curl         # the Internet's servers, the laptop
)

say() { printf '%s\n' "$*"; }

need_sdk() {
    if ! command -v dotnet > /dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
        say "The .NET SDK 10 is missing: install it as https://learn.microsoft.com/dotnet/core/install/linux-debian says (package dotnet-sdk-10.0), then start this again." >&2
        exit 1
    fi
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null) == installed ]]; }

# need_packages WHY NAME…: installs those that are not there, saying so in one line.
need_packages() {
    local why=$1 missing=() name
    shift
    for name in "$@"; do is_installed "$name" || missing+=("$name"); done
    [[ ${#missing[@]} -eq 0 ]] && return
    say "Installing ${missing[*]} (for $why)."
    if [[ $(id -u) -ne 0 ]] && ! command -v sudo > /dev/null; then
        say "There is no sudo here. As root: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    # nginx and avahi would be started as services by their packages; the home starts its own.
    if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > out/apt.log 2>&1; then
        tail -5 out/apt.log >&2
        say "apt-get could not install ${missing[*]}; out/apt.log has all it said." >&2
        exit 1
    fi
}

# The lamp is a program of the npm registry; Node comes from Debian unless there is one.
need_lamp() {
    command -v node > /dev/null || need_packages "the lamp (hap-nodejs)" nodejs
    if ! command -v npm > /dev/null; then need_packages "the lamp (hap-nodejs)" npm; fi
    if [[ ! lab/lamp/node_modules/.package-lock.json -nt lab/lamp/package-lock.json ]]; then
        say "Fetching the lamp's packages (npm ci in lab/lamp)."
        (cd lab/lamp && npm ci --no-audit --no-fund --ignore-scripts) > out/npm.log 2>&1 || { tail -5 out/npm.log >&2; exit 1; }
        touch lab/lamp/node_modules/.package-lock.json
    fi
}

need_namespaces() {
    if ! lab/enter true; then
        say "The home is played in namespaces of its own, and this machine does not let you make them (see above)." >&2
        exit 1
    fi
}

need_home() {
    mkdir -p out
    need_packages "the demo home" "${home_packages[@]}"
    need_lamp
    need_namespaces
}

# Native programs go to out/bin; each is published again only when something it is made of is newer.
build_natives() {
    mkdir -p out/bin
    publish gatehouse src/Gateway src/Gateway src/Trust packs
    publish gatehouse-maker src/Maker src/Maker src/Trust
    # The lab is an ordinary program: it runs where the SDK is.
    publish gatehouse-lab lab lab --no-rid
}

publish() {
    local program=$1 project=$2 rid=(-r "linux-$(architecture)")
    shift 2
    if [[ ${*: -1} == --no-rid ]]; then rid=() && set -- "${@:1:$#-1}"; fi
    if [[ -x out/bin/$program ]] && [[ -z $(find "$@" Directory.Build.props Directory.Packages.props \( -name bin -o -name obj -o -name node_modules \) -prune -o -type f -newer "out/bin/$program" -print -quit) ]]; then return; fi
    say "Building $program (about a minute the first time) …"
    local log=out/build-$program.log
    if ! dotnet publish "$project" -c Release "${rid[@]}" -o out/bin -v q --nologo > "$log" 2>&1; then
        grep -E "error|warning" "$log" | sort -u | head -20 >&2 || tail -20 "$log" >&2
        say "Building $program failed; $log has all of it." >&2
        exit 1
    fi
    touch "out/bin/$program"
}

architecture() { case $(uname -m) in x86_64) echo x64 ;; aarch64) echo arm64 ;; *) say "There is no build for $(uname -m)." >&2; exit 1 ;; esac; }

# play_home SEED PORT: the home in its namespaces, and its console at 127.0.0.1:PORT; both end with Ctrl-C.
play_home() {
    local seed=$1 port=$2 folder home proxy
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
        say "Port $port of 127.0.0.1 is in use. Choose another: ./run --port N" >&2
        exit 1
    fi
    folder=$(mktemp -d "${TMPDIR:-/tmp}/gatehouse-home.XXXXXX")
    lab/enter out/bin/gatehouse-lab home --bin out/bin --seed "$seed" --folder "$folder/home" --ready "$folder/ready" &
    home=$!
    out/bin/gatehouse-lab proxy --port "$port" --socket "$folder/home/gateway/run/console.sock" &
    proxy=$!
    # shellcheck disable=SC2064
    trap "close_home $home $proxy '$folder'" EXIT
    trap 'exit 130' INT TERM
    while [[ ! -e $folder/ready ]]; do
        if ! kill -0 "$home" 2> /dev/null; then
            wait "$home" || true
            say "The home did not come up." >&2
            exit 1
        fi
        sleep 0.2
    done
    say ""
    say "The console:    http://127.0.0.1:$port/"
    say "The claim code: $(cat "$folder/home/gateway/run/claim-code" 2> /dev/null || echo '(claimed already)')"
    say "Command line:   GATEHOUSE_RUN=$folder/home/gateway/run out/bin/gatehouse things"
    say "Ctrl-C ends the home and leaves nothing behind."
    wait "$home" || true
}

# close_home HOME PROXY FOLDER: asks the home to end; what has not ended after ten seconds ends with its namespaces.
close_home() {
    local home=$1 proxy=$2 folder=$3
    trap '' INT TERM
    kill "$proxy" 2> /dev/null || true
    # The signal goes to the home's first process; the one that made the namespaces only waits for it.
    pkill -TERM -P "$home" 2> /dev/null || true
    for _ in {1..100}; do
        kill -0 "$home" 2> /dev/null || break
        sleep 0.1
    done
    kill -KILL "$home" 2> /dev/null || true
    wait "$home" "$proxy" 2> /dev/null || true
    rm -rf "$folder"
}
