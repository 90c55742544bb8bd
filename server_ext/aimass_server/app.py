"""The jupyter-server extension: its settings, its start and its stop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Dict, Enum, Float, Integer, Unicode, default

from aimass_jupyter import __version__
from aimass_jupyter.contract.errors import AimassError, Unavailable
from aimass_jupyter.contract.system import Role
from aimass_jupyter.host.usage import gpu_count
from aimass_server.access import DEFAULT_TENANT, Principal, runs_this_server
from aimass_server.control_plane import ControlPlane
from aimass_server.data_folder import TOKEN_FILE, default_folder
from aimass_server.jobs.ledger import Period, Quotas
from aimass_server.jobs.preemption import Policy
from aimass_server.settings import Settings

_ROLES = ("viewer", "author", "admin")
_PERIODS: tuple[Period, ...] = ("day", "week", "month")


class AimassApp(ExtensionApp):
    """AI Mass: jobs, models, endpoints and published notebooks behind Jupyter's login."""

    name = "aimass_server"
    extension_url = "/aimass/api/v1/status"
    load_other_extensions = True
    description = __doc__
    app_version = __version__

    data = Unicode(
        help="Folder that keeps everything. Default: AIMASS_DATA, else aimass in Jupyter's own."
    ).tag(config=True)
    slots = Integer(
        help="Ranks that run at once on this machine. Default: its cores, at least 2."
    ).tag(config=True)
    gpus = Integer(
        min=0, help="GPUs that jobs may have on this machine. Default: as many as the driver knows."
    ).tag(config=True)
    max_upload_bytes = Integer(4 << 30, help="Size of an upload at most, in bytes.").tag(
        config=True
    )
    jobs_per_user = Integer(
        0, min=0, help="Jobs of one user that run at once; the others wait. 0 is no limit."
    ).tag(config=True)
    slots_per_user = Integer(
        0, min=0, help="Slots that the jobs of one user hold at once. 0 is no limit."
    ).tag(config=True)
    queued_per_user = Integer(
        10_000,
        min=0,
        help="Jobs of one user that wait in the queue at once; more are refused. 0 is no limit.",
    ).tag(config=True)
    log_bytes = Integer(
        64 << 20,
        min=1 << 10,
        help="How long the log of each rank may grow; what comes after is not kept, and the job "
        "says so.",
    ).tag(config=True)
    quota_period = Enum(
        _PERIODS,
        "week",
        help="How often quotas of hours begin anew: each calendar day, week or month, in UTC.",
    ).tag(config=True)
    slot_hours_per_user = Float(
        0.0, min=0.0, help="Slot-hours that a user may spend in a period. 0 is no limit."
    ).tag(config=True)
    slot_hours_per_tenant = Float(
        0.0, min=0.0, help="Slot-hours that a tenant may spend in a period. 0 is no limit."
    ).tag(config=True)
    gpu_hours_per_user = Float(
        0.0, min=0.0, help="GPU-hours that a user may spend in a period. 0 is no limit."
    ).tag(config=True)
    gpu_hours_per_tenant = Float(
        0.0, min=0.0, help="GPU-hours that a tenant may spend in a period. 0 is no limit."
    ).tag(config=True)
    preemption = Bool(
        True,
        help="Whether a high or urgent job that finds no room has running jobs of lower priority "
        "stopped, which keep their state and are queued again.",
    ).tag(config=True)
    preemption_grace_seconds = Float(
        60.0, min=0.0, help="So long after its start no job is stopped for another one."
    ).tag(config=True)
    preemption_interval_seconds = Float(
        600.0,
        min=0.0,
        help="So long after it was stopped for another one, a job is not stopped again.",
    ).tag(config=True)
    warm = Bool(
        True,
        help="Whether a process that has imported torch and Horovod waits to fork jobs, which then "
        "start in a fraction of a second.",
    ).tag(config=True)
    warm_memory_bytes = Integer(
        1 << 30, help="Memory that process may take; without it, jobs start cold."
    ).tag(config=True)
    roles = Dict(
        per_key_traits={},
        value_trait=Enum(_ROLES),
        help="Role of a user: {'ada': 'admin'}. Others get default_role.",
    ).tag(config=True)
    default_role = Enum(
        _ROLES,
        "author",
        help="Role of a user that 'roles' does not name. The person who runs a single-user server "
        "with Jupyter's own token or password is its admin.",
    ).tag(config=True)

    tenants = Dict(
        per_key_traits={},
        value_trait=Unicode(),
        help="Tenant of a user: {'ada': 'physics'}. Others are of tenant 'default'. Nobody sees "
        "what is of another tenant.",
    ).tag(config=True)

    retention_days = Float(
        0.0,
        min=0.0,
        help="Delete runs that ended longer ago, with their event files, checkpoints and logs; "
        "0 keeps them all. A run that is tagged 'keep' stays.",
    ).tag(config=True)
    retention_newest = Integer(
        10, min=0, help="So many of the newest runs of each experiment stay, however old."
    ).tag(config=True)
    run_lost_seconds = Float(
        30.0,
        min=1.0,
        help="A run that a notebook or a script tracks is taken for lost when nothing was heard of "
        "it for so long; it goes on when its program is heard of again.",
    ).tag(config=True)
    standalone = Bool(False, help="Whether this server exists for the control plane alone.").tag(
        config=True
    )

    _control_plane: ControlPlane | None = None
    _fault: AimassError | None = None

    @default("data")
    def _default_data(self) -> str:
        return str(default_folder())

    @default("slots")
    def _default_slots(self) -> int:
        return max(2, len(os.sched_getaffinity(0)))

    @default("gpus")
    def _default_gpus(self) -> int:
        return gpu_count()

    def role_of(self, user: str, runs_the_server: bool) -> Role:
        """The role of a user who came through Jupyter's login."""
        role: Role = self.roles.get(user, "admin" if runs_the_server else self.default_role)
        return role

    def principal_of(self, user: str, runs_the_server: bool) -> Principal:
        """A user who came through Jupyter's login, with role and tenant."""
        tenant = self.tenants.get(user, DEFAULT_TENANT)
        return Principal(user, self.role_of(user, runs_the_server), tenant)

    def control_plane_or_raise(self) -> ControlPlane:
        """The control plane, or the error that says why there is none here."""
        if self._control_plane is None:
            raise self._why_not()
        return self._control_plane

    def _why_not(self) -> AimassError:
        """Why there is no control plane here; a new error each time it is raised."""
        fault = self._fault
        if fault is None:
            return Unavailable("the control plane is starting", retry_after=1)
        return type(fault)(fault.message, fault.hint, retry_after=fault.retry_after)

    def initialize_settings(self) -> None:
        """Own the data folder; when that fails Jupyter goes on and our routes say why."""
        control_plane = ControlPlane(self._settings())
        try:
            control_plane.own()
        except AimassError as error:
            if self.standalone:
                raise SystemExit(f"aimass: {error}") from error  # it would be good for nothing
            self._fault = error
            self.log.warning("AI Mass: %s", error)
            return
        self._control_plane = control_plane

    def _settings(self) -> Settings:
        """The traits, as the rooms take them."""
        base_url = self.serverapp.base_url if self.serverapp else "/"
        return Settings(
            folder=Path(self.data).absolute(),
            slots=self.slots,
            gpus=self.gpus,
            max_upload_bytes=self.max_upload_bytes,
            jobs_per_user=self.jobs_per_user,
            slots_per_user=self.slots_per_user,
            queued_per_user=self.queued_per_user,
            base_url=base_url,
            warm=self.warm,
            warm_memory_bytes=self.warm_memory_bytes,
            retention_days=self.retention_days,
            retention_newest=self.retention_newest,
            run_lost_seconds=self.run_lost_seconds,
            preemption=Policy(
                self.preemption, self.preemption_grace_seconds, self.preemption_interval_seconds
            ),
            quotas=Quotas(
                self.quota_period,
                self.slot_hours_per_user,
                self.slot_hours_per_tenant,
                self.gpu_hours_per_user,
                self.gpu_hours_per_tenant,
            ),
            log_bytes=self.log_bytes,
        )

    def initialize_handlers(self) -> None:
        """Add our routes below the server's base URL."""
        from aimass_server.rest import handlers

        assert self.serverapp is not None  # an ExtensionApp is initialised by its server
        web_app = self.serverapp.web_app
        assert web_app is not None
        web_app.add_handlers(".*$", handlers(self, web_app.settings["base_url"]))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Begin to work, now that the address is known; hand kernels the way here."""
        if self._control_plane is None:
            self._point_kernels_elsewhere()
            return
        from aimass_server.rest import rest_without_descriptors

        if server := getattr(serverapp, "http_server", None):
            rest_without_descriptors(server)
        folder = self._control_plane.settings.folder
        runs_it = runs_this_server()
        principal = self.principal_of(runs_it, runs_the_server=True)
        await self._control_plane.open(
            serverapp.connection_url, principal, standalone=self.standalone
        )
        os.environ["AIMASS_URL"] = self._control_plane.url
        os.environ["AIMASS_TOKEN_FILE"] = str(folder / TOKEN_FILE)
        os.environ["AIMASS_DATA"] = str(folder)
        self.log.info("AI Mass: data in %s", folder)

    def _point_kernels_elsewhere(self) -> None:
        """Kernels of this server find the control plane that owns the data folder."""
        os.environ["AIMASS_DATA"] = self.data
        for name in ("AIMASS_URL", "AIMASS_TOKEN_FILE"):
            os.environ.pop(name, None)

    async def stop_extension(self) -> None:
        """Stop working; what was started goes on."""
        control_plane, self._control_plane = self._control_plane, None
        if control_plane is not None:
            await control_plane.close()
