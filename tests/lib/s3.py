#!/usr/bin/env python3
"""A small S3 client for tests, with a signature of its own, so that what orch sends is never judged by orch.

    s3.py ENDPOINT mkbucket BUCKET
    s3.py ENDPOINT put BUCKET KEY FILE|-        s3.py ENDPOINT put-all BUCKET PREFIX FOLDER
    s3.py ENDPOINT get BUCKET KEY               body to stdout
    s3.py ENDPOINT head BUCKET KEY              "etag size", quotes removed
    s3.py ENDPOINT ls BUCKET [PREFIX]           keys, one a line, in the server's order
    s3.py ENDPOINT uploads BUCKET               keys of uploads that were begun and not ended, one a line
    s3.py ENDPOINT rm BUCKET KEY                s3.py ENDPOINT rmbucket BUCKET

Key and secret come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else they are those of tests/servers;
AWS_SESSION_TOKEN; region AWS_REGION or us-east-1. Only the standard library is used.
"""

import datetime
import hashlib
import hmac
import http.client
import os
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ET

AK, SK = "orch-test-access-key", "orch-test-secret/with+both=signs"  # of tests/servers/rgw.sh and swift.sh


class S3Error(Exception):
    pass


class S3:
    def __init__(self, endpoint):
        self.url = urllib.parse.urlsplit(endpoint)
        self.access = os.environ.get("AWS_ACCESS_KEY_ID", AK)
        self.secret = os.environ.get("AWS_SECRET_ACCESS_KEY", SK)
        self.region = os.environ.get("AWS_REGION", "us-east-1")

    def authorization(self, method, path, query, headers):
        day = headers["x-amz-date"][:8]
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [method, path, query]
            + [f"{name}:{headers[name]}" for name in sorted(headers)]
            + ["", names, headers["x-amz-content-sha256"]]
        )
        scope = f"{day}/{self.region}/s3/aws4_request"
        to_sign = "\n".join(
            ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
        )
        key = ("AWS4" + self.secret).encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        return f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={names}, Signature={signature}"

    def request(self, method, bucket, key="", query=None, body=b""):
        quote = lambda text: urllib.parse.quote(text, safe="-_.~")  # noqa: E731
        path = "/" + bucket + ("/" + "/".join(quote(part) for part in key.split("/")) if key else "")
        text = "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted((query or {}).items()))
        now = datetime.datetime.now(datetime.timezone.utc)
        headers = {
            "host": self.url.netloc,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        if os.environ.get("AWS_SESSION_TOKEN"):
            headers["x-amz-security-token"] = os.environ["AWS_SESSION_TOKEN"]
        headers["Authorization"] = self.authorization(method, path, text, headers)
        headers["Content-Length"] = str(len(body))
        # a connection per request: a server that was killed in between is not noticed
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        try:
            connection.request(method, path + ("?" + text if text else ""), body, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise S3Error(f"{method} {path}: {answer.status} {data.decode(errors='replace')}")
        return answer, data

    def make_bucket(self, bucket):
        self.request("PUT", bucket)

    def put(self, bucket, key, body):
        return self.request("PUT", bucket, key, body=body)[0].headers["ETag"]

    def get(self, bucket, key):
        return self.request("GET", bucket, key)[1]

    def remove(self, bucket, key):
        self.request("DELETE", bucket, key)

    def keys(self, bucket, prefix):
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        while True:
            page = ET.fromstring(re.sub(rb' xmlns="[^"]*"', b"", self.request("GET", bucket, query=query)[1]))
            for key in page.iter("Key"):
                yield urllib.parse.unquote(key.text)
            if page.findtext("IsTruncated") != "true":
                return
            query["continuation-token"] = page.findtext("NextContinuationToken")


    def uploads(self, bucket):
        query = {"uploads": "", "max-uploads": "1000"}
        page = ET.fromstring(re.sub(rb' xmlns="[^"]*"', b"", self.request("GET", bucket, query=query)[1]))
        return [upload.findtext("Key") for upload in page.iter("Upload")]


def read(name):
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as f:
        return f.read()


def main(endpoint, word, bucket, *rest):
    s3 = S3(endpoint)
    if word == "mkbucket":
        s3.make_bucket(bucket)
    elif word == "rmbucket":
        s3.request("DELETE", bucket)
    elif word == "put":
        s3.put(bucket, rest[0], read(rest[1]))
    elif word == "put-all":
        for folder, folders, files in os.walk(rest[1]):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                s3.put(bucket, rest[0] + os.path.relpath(path, rest[1]), read(path))
    elif word == "get":
        sys.stdout.buffer.write(s3.get(bucket, rest[0]))
    elif word == "head":
        answer, _ = s3.request("HEAD", bucket, rest[0])
        print(answer.headers["ETag"].strip('"'), answer.headers["Content-Length"])
    elif word == "ls":
        for key in s3.keys(bucket, rest[0] if rest else ""):
            print(key)
    elif word == "uploads":
        for key in s3.uploads(bucket):
            print(key)
    elif word == "rm":
        s3.remove(bucket, rest[0])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (S3Error, OSError) as e:
        sys.exit(f"s3.py: {e}")
