# Sourced by the Dockerfile's steps that use the network. The secrets `ca`
# (certificates, PEM), `pip` (a pip.conf) and `apt` (an apt.conf) are each there or not.
if [ -f /run/secrets/ca ]; then
    export PIP_CERT=/run/secrets/ca GIT_SSL_CAINFO=/run/secrets/ca
    export SSL_CERT_FILE=/run/secrets/ca REQUESTS_CA_BUNDLE=/run/secrets/ca
fi
if [ -f /run/secrets/pip ]; then
    export PIP_CONFIG_FILE=/run/secrets/pip
fi
if [ -f /run/secrets/apt ]; then
    export APT_CONFIG=/run/secrets/apt
fi
if [ -n "${DEBIAN:-}" ]; then
    rm -f /etc/apt/sources.list.d/debian.sources
    echo "deb [check-valid-until=no] $DEBIAN bookworm main" >/etc/apt/sources.list
fi
