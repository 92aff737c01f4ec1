# The orchestrator on Nomad.
#   nomad var put nomad/jobs/tutti token="$(openssl rand -base64 32)"
#   nomad job run -var image=registry.example.org/tutti:0.1.0 deploy/nomad/tutti.nomad.hcl
# Its client has a volume for the data, in the configuration of `client`: host_volume "tutti" { path = "/srv/tutti" }, owned by user 1000.

variable "image" {
  type    = string
  default = "tutti:0.1.0"
}

variable "datacenters" {
  type    = list(string)
  default = ["dc1"]
}

job "tutti" {
  datacenters = var.datacenters
  type        = "service"

  group "orchestrator" {
    # One process: it is the only writer of its store.
    count = 1

    network {
      port "http" {
        static = 7480
      }
      port "control" {
        static = 7400
      }
      port "outputs" {
        static = 7401
      }
      port "events" {
        static = 7402
      }
    }

    volume "data" {
      type      = "host"
      source    = "tutti"
      read_only = false
    }

    service {
      name     = "tutti-http"
      provider = "nomad"
      port     = "http"

      check {
        type     = "http"
        path     = "/livez"
        interval = "10s"
        timeout  = "5s"

        # A full disk is a matter of /readyz only: it goes on by itself when there is room.
        check_restart {
          limit = 6
          grace = "10m"
        }
      }
      check {
        name      = "ready"
        type      = "http"
        path      = "/readyz"
        interval  = "10s"
        timeout   = "5s"
        on_update = "ignore"
      }
    }

    # Nodes and agents find it by this name.
    service {
      name     = "tutti-control"
      provider = "nomad"
      port     = "control"
    }

    restart {
      attempts = 10
      interval = "10m"
      delay    = "1s"
      mode     = "delay"
    }

    task "orchestrator" {
      driver = "docker"
      user   = "1000:1000"
      # It ends within 5 s.
      kill_timeout = "10s"

      config {
        image           = var.image
        args            = ["up", "--config", "/local/tutti.yaml", "--data", "/data", "--host", "0.0.0.0", "--token-file", "/secrets/token"]
        ports           = ["http", "control", "outputs", "events"]
        init            = true
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
        ulimit {
          nofile = "65536:65536"
        }
        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      template {
        destination = "local/tutti.yaml"
        data        = <<-YAML
          keep_events: 1000000
          forget_days: 30
          log_level: info
          log_format: json
          clusters:
            - { name: nomad, type: local, agent: remote, slots: 4, workdir: /state/work }
        YAML
      }

      template {
        destination = "secrets/token"
        perms       = "0400"
        uid         = 1000
        gid         = 1000
        data        = <<-TOKEN
          {{ with nomadVar "nomad/jobs/tutti" }}{{ .token }}{{ end }}
        TOKEN
      }

      resources {
        cpu    = 1000
        memory = 1024
      }
    }
  }
}
