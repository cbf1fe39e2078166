"""What the server of the dashboard is started with: every option that matters for safety.

They stand on the command line, where no `.streamlit/config.toml` in the folder that the
dashboard is started in can overrule them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

ADDRESS = "127.0.0.1"
LOCAL_HOSTS = (ADDRESS, "localhost")
SECRETS = Path(".streamlit", "secrets.toml")  # of the login, see docs/deployment.md
LARGEST_UPLOAD_MB = 2_000  # of a ZIP file; it is held in memory until it is unpacked
SAFETY_OPTIONS: Mapping[str, str] = {
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": ADDRESS,
    "client.disableDataExport": "true",  # its CSV files hold live formulas; ours do not
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "minimal",
    "global.developmentMode": "false",
    "logger.level": "warning",
    "runner.magicEnabled": "false",
    "server.baseUrlPath": "",
    "server.enableAgentApi": "false",
    "server.enableCORS": "true",
    "server.enableStaticServing": "false",
    "server.enableXsrfProtection": "true",
    "server.fileWatcherType": "none",
    # We open the browser ourselves. Streamlit asks for an e-mail address if this is false.
    "server.headless": "true",
    "server.maxUploadSize": str(LARGEST_UPLOAD_MB),
    "server.runOnSave": "false",
    "server.showEmailPrompt": "false",
    "server.trustedUserHeaders": "{}",
    "server.xsrfCookieSameSite": "strict",
}


def server_options(port: int, *, hosts: Sequence[str] = ()) -> list[str]:
    """Return the options of the server as arguments.

    Parameters
    ----------
    port : int
    hosts : sequence of str
        Names beside this machine's own under which a proxy serves the dashboard.
    """
    options = [
        ("server.port", str(port)),
        ("server.address", ADDRESS),
        *SAFETY_OPTIONS.items(),
        *(("server.allowedHosts", host) for host in (*LOCAL_HOSTS, *hosts)),
        *(
            (name, f"http://{host}:{port}")
            for name in ("server.corsAllowedOrigins", "client.allowedOrigins")
            for host in LOCAL_HOSTS
        ),
        *(("secrets.files", str(place / SECRETS)) for place in (Path.home(), Path.cwd())),
    ]
    return [f"--{name}={value}" for name, value in options]
