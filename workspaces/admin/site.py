"""The admin's names, and its door: staff log in as everybody does, so that the lock-out counts here too."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

admin.site.site_header = _("Botenwerk staff")
admin.site.site_title = _("Botenwerk staff")
admin.site.index_title = _("Installation")
admin.site.empty_value_display = "–"
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
