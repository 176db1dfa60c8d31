"""Which role each route needs: the one place where that is said.

A route that is not here is for admins only. A test asks for every route to be here, and walks all
of them with each role.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sterna.store.access_records import Role

# Method and path below /api/v1, as the routes declare them.
_VIEWER = """
GET /openapi.json
GET /roles
GET /events
GET /overview
GET /choices
GET /node-classes
GET /audit
GET /engines
GET /outline
GET /metrics
GET /instances
GET /instances/{instance_id}
GET /instances/{instance_id}/release/plan
GET /instances/{instance_id}/evaluations
GET /instances/{instance_id}/evaluations/{evaluation_id}
GET /instances/{instance_id}/evaluations/{evaluation_id}/comparison
GET /instances/{instance_id}/evaluations/{evaluation_id}/page
GET /instances/{instance_id}/fixes
GET /instances/{instance_id}/accounts
GET /clusters
GET /clusters/{cluster_id}
GET /clusters/{cluster_id}/parameters
GET /clusters/{cluster_id}/inherited
GET /clusters/{cluster_id}/logs
GET /clusters/{cluster_id}/health
GET /clusters/{cluster_id}/serverless
GET /clusters/{cluster_id}/delete/plan
GET /clusters/{cluster_id}/nodes/plan
GET /clusters/{cluster_id}/nodes/{node_id}/plan
GET /clusters/{cluster_id}/class/plan
GET /clusters/{cluster_id}/restart/plan
GET /clusters/{cluster_id}/semi-sync/plan
GET /clusters/{cluster_id}/binlog/plan
GET /usage
GET /hosts
GET /hosts/{host_id}
GET /endpoints
GET /endpoints/actions
GET /endpoints/{endpoint_id}
GET /endpoints/{endpoint_id}/delete/plan
GET /migrations
GET /migrations/{cluster_id}
GET /migrations/{cluster_id}/actions
GET /migrations/{cluster_id}/timeline
GET /migrations/{cluster_id}/events
GET /migrations/{cluster_id}/positions
GET /migrations/{cluster_id}/readers
GET /migrations/{cluster_id}/give-up/plan
GET /migrations/{cluster_id}/switch-over/plan
GET /migrations/{cluster_id}/roll-back/plan
GET /migrations/{cluster_id}/complete/plan
GET /migrations/{cluster_id}/cancel/plan
GET /migrations/{cluster_id}/resolution
GET /migrations/{cluster_id}/verifications
GET /tasks/{task_id}
GET /tasks/{task_id}/tables
GET /tasks/{task_id}/log
GET /tasks/{task_id}/logs
GET /tasks/{task_id}/objects
GET /tasks/{task_id}/metrics
GET /schedules
POST /logout
POST /password
"""

_OPERATOR = """
GET /migrations/{cluster_id}/differences
POST /instances/{instance_id}/evaluations
POST /migrations
POST /migrations/{cluster_id}/continue
POST /migrations/{cluster_id}/give-up
POST /migrations/{cluster_id}/open-cluster
POST /migrations/{cluster_id}/switch-over
POST /migrations/{cluster_id}/roll-back
POST /migrations/{cluster_id}/complete
POST /migrations/{cluster_id}/cancel
POST /migrations/{cluster_id}/verify
POST /migrations/{cluster_id}/readers/move
POST /clusters/{cluster_id}/nodes
DELETE /clusters/{cluster_id}/nodes/{node_id}
POST /clusters/{cluster_id}/class
POST /clusters/{cluster_id}/restart
POST /clusters/{cluster_id}/semi-sync
POST /clusters/{cluster_id}/binlog
PATCH /clusters/{cluster_id}/serverless
POST /endpoints
PATCH /endpoints/{endpoint_id}
DELETE /endpoints/{endpoint_id}
POST /tasks/{task_id}/resume
PATCH /tasks/{task_id}/rate
POST /schedules
DELETE /schedules/{schedule_id}
"""

# Passwords of servers, programs that are run, who may do what, and who owns the writes.
_ADMIN = """
POST /instances
POST /hosts
POST /hosts/{host_id}/test
DELETE /hosts/{host_id}
POST /instances/test
POST /instances/{instance_id}/release
POST /instances/{instance_id}/set-password
DELETE /clusters/{cluster_id}
POST /instances/{instance_id}/accounts/set-password
POST /instances/{instance_id}/fixes
POST /instances/{instance_id}/accounts/leave-out
POST /migrations/{cluster_id}/resolve
GET /hooks
POST /hooks
DELETE /hooks/{hook_id}
POST /hooks/{hook_id}/test
GET /settings
GET /users
POST /users
PATCH /users/{name}
DELETE /users/{name}
GET /tokens
POST /tokens
DELETE /tokens/{token_id}
"""

# Who asks these is not known yet.
OPEN = ("GET /session", "POST /login", "POST /setup")

NEEDED: dict[str, Role] = {
    route: role
    for role, routes in ((Role.VIEWER, _VIEWER), (Role.OPERATOR, _OPERATOR), (Role.ADMIN, _ADMIN))
    for route in routes.strip().splitlines()
}


@dataclass(frozen=True)
class RouteRole:
    """The role a route needs; `path` is a template."""

    method: str
    path: str
    role: Role


def role_needed(method: str, path: str) -> Role:
    """The role for a route; admin for one that nobody has thought of."""
    return NEEDED.get(f"{method} {path}", Role.ADMIN)


def all_roles(prefix: str) -> Iterator[RouteRole]:
    """Every route below `prefix` with its role."""
    for route, role in NEEDED.items():
        method, path = route.split(" ")
        yield RouteRole(method, prefix + path, role)
