# An agent on Nomad: it dials the orchestrator and runs the commands of the cluster `nomad` in its own container.
#   nomad var put nomad/jobs/tutti-agent token=… join="$(tutti node enroll --module tutti.agent --instance nomad)"
#   nomad job run -var image=registry.example.org/tools:1.0 deploy/nomad/agent.nomad.hcl
# The image is built FROM the orchestrator's, with the programs that commands need. Its client has host_volume "tutti-agent", owned by user 1000.

variable "image" {
  type    = string
  default = "tutti:0.1.0"
}

variable "datacenters" {
  type    = list(string)
  default = ["dc1"]
}

job "tutti-agent" {
  datacenters = var.datacenters
  type        = "service"

  group "agent" {
    # A cluster has one agent. What it has started is in its volume, so it finds it again.
    count = 1

    volume "state" {
      type      = "host"
      source    = "tutti-agent"
      read_only = false
    }

    restart {
      attempts = 10
      interval = "10m"
      delay    = "1s"
      mode     = "delay"
    }

    task "agent" {
      driver       = "docker"
      user         = "1000:1000"
      kill_timeout = "10s"

      config {
        image           = var.image
        args            = ["agent", "--cluster", "nomad", "--state", "/state/agent"]
        init            = true
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }

      volume_mount {
        volume      = "state"
        destination = "/state"
      }

      env {
        TUTTI_KEYS = "/state/keys"
      }

      template {
        destination = "secrets/dial.env"
        env         = true
        data        = <<-ENV
          {{ range nomadService "tutti-control" }}TUTTI_CONTROL=tcp://{{ .Address }}:{{ .Port }}{{ end }}
          {{ with nomadVar "nomad/jobs/tutti-agent" }}
          TUTTI_TOKEN={{ .token }}
          TUTTI_JOIN={{ .join }}
          {{ end }}
        ENV
      }

      resources {
        cpu    = 4000
        memory = 4096
      }
    }
  }
}
