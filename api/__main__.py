"""`python -m api`: the web service on API_HOST:API_PORT."""

import uvicorn

from alerts.channels import registry
from api import connections
from api.app import create_app
from eldercare.platform import log
from eldercare.platform.errors import ConfigurationError
from eldercare.platform.settings import exit_with, load_settings


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    try:
        settings = load_settings()
        settings.required("database_url")
        registry.set_up(settings)
    except ConfigurationError as error:
        exit_with(error)
    log.configure(settings.log_level, "api")
    log.name_unknown_settings(registry.sections())
    log.logger(__name__).info("starting", host=settings.api_host, port=settings.api_port)
    connections.more_files()
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        # The application believes a proxy itself, from TRUSTED_PROXIES only.
        proxy_headers=False,
        http=connections.Protocol,
        server_header=False,
        access_log=False,
        log_config=None,  # its errors go through our log
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
