"""The fixed cast of the tests: Alice owns, Bob is on the team, Charlie is a stranger."""

from workspaces.models import ApiKey, Membership, Role, User, Workspace

PASSWORD = "ein-sicheres-passwort-7"


def make_user(name: str, **fields: object) -> User:
    """A user whose address is made from the name."""
    return User.objects.create_user(f"{name.lower()}@example.org", PASSWORD, name=name, **fields)


def make_workspace(slug: str = "praxis-graz", **fields: object) -> Workspace:
    """A workspace without members."""
    return Workspace.objects.create(slug=slug, **{"name": slug.replace("-", " ").title(), **fields})


def join(workspace: Workspace, user: User, role: Role) -> Membership:
    """Make the user a member."""
    return Membership.objects.create(workspace=workspace, user=user, role=role)


def make_key(membership: Membership, *scopes: str, **fields: object) -> tuple[ApiKey, str]:
    """An API key with these scopes, or with all of them, and its secret."""
    return ApiKey.objects.issue(
        membership=membership, name="Test", scopes=list(scopes or ApiKey.KNOWN_SCOPES), **fields
    )
