"""Paste filter between s3api and tempauth: gives tempauth's user, whose own key would be "account:user", a plain
access key, since a colon in a key confuses more than one client."""


def filter_factory(global_conf, access_key, account_user, **_):
    def wrap(app):
        def call(environ, start_response):
            details = environ.get("s3api.auth_details")
            if details and details["access_key"] == access_key:
                details["access_key"] = account_user
                environ["PATH_INFO"] = environ["PATH_INFO"].replace(access_key, account_user, 1)
            return app(environ, start_response)

        return call

    return wrap
