"""A pytest plugin for the peers' own tests (scripts/peers): puts our stand-ins in their classes' place."""

from __future__ import annotations

import apig_wsgi
import mangum
import mangum.adapter
import mangum.exceptions

from lambent.runtime import compat

mangum.Mangum = mangum.adapter.Mangum = compat.Mangum
mangum.exceptions.ConfigurationError = compat.ConfigurationError
mangum.exceptions.LifespanFailure = compat.LifespanFailure
apig_wsgi.make_lambda_handler = compat.make_lambda_handler
