# orch tick every five minutes. nomad job run deploy/nomad/orch.nomad.hcl
#
# The state file needs a disk of one node: a host volume, so that each tick finds the file of the one before. A tick
# that fails is not repeated by Nomad: the next one goes on.
job "orch" {
  type = "batch"

  periodic {
    crons            = ["*/5 * * * *"]
    time_zone        = "UTC"
    prohibit_overlap = true
  }

  group "tick" {
    count = 1

    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    volume "state" {
      type      = "host"
      source    = "orch-state"
      read_only = false
    }

    task "orch" {
      driver       = "docker"
      user         = "10001:10001"
      kill_signal  = "SIGTERM"
      kill_timeout = "120s"

      config {
        image           = "orch:0.1.0"
        args            = ["-c", "/local/orch.json", "tick"]
        readonly_rootfs = true
        cap_drop        = ["all"]
      }

      volume_mount {
        volume      = "state"
        destination = "/var/lib/orch"
      }

      template {
        destination = "local/orch.json"
        data        = <<JSON
{
  "state": "/var/lib/orch/orch.db",
  "connections": {
    "lake": {"url": "s3://credit-risk/incoming/", "region": "eu-central-1"},
    "warehouse": {"url": "mysql://loader@db.example:3306/lending", "password_credential": "db"}
  },
  "pipelines": {
    "loans": {
      "source": {"connection": "lake", "since": "2022-06-05T00"},
      "target": {"connection": "warehouse", "table": "loan_applicant_info"}
    }
  }
}
JSON
      }

      # nomad var put nomad/jobs/orch db=...
      template {
        destination = "secrets/db"
        perms       = "0400"
        uid         = 10001
        gid         = 10001
        data        = "{{ with nomadVar \"nomad/jobs/orch\" }}{{ .db }}{{ end }}"
      }

      env {
        CREDENTIALS_DIRECTORY = "/secrets"
      }

      resources {
        cpu    = 200
        memory = 512
      }
    }
  }
}
