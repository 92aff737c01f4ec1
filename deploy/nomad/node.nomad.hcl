# Nodes of a module on Nomad.
#   nomad var put nomad/jobs/tutti-node token=… join="$(tutti node enroll --module train --uses 2)"
#   nomad job run -var image=registry.example.org/train:1.0 -var module=train -var replicas=2 deploy/nomad/node.nomad.hcl

variable "image" {
  type = string
}

variable "module" {
  type = string
}

variable "replicas" {
  type    = number
  default = 1
}

variable "datacenters" {
  type    = list(string)
  default = ["dc1"]
}

job "tutti-node" {
  datacenters = var.datacenters
  type        = "service"

  group "node" {
    count = var.replicas

    # Its keys stay with it where it is started again.
    ephemeral_disk {
      sticky  = true
      migrate = true
    }

    update {
      max_parallel = 1
    }

    task "node" {
      driver = "docker"
      # What it works on is given back within the grace of the orchestrator.
      kill_timeout = "30s"

      config {
        image           = var.image
        init            = true
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }

      env {
        TUTTI_MODULE   = var.module
        TUTTI_INSTANCE = "${NOMAD_ALLOC_NAME}"
        TUTTI_KEYS     = "${NOMAD_ALLOC_DIR}/data/keys"
      }

      template {
        destination = "secrets/dial.env"
        env         = true
        data        = <<-ENV
          {{ range nomadService "tutti-control" }}TUTTI_CONTROL=tcp://{{ .Address }}:{{ .Port }}{{ end }}
          {{ with nomadVar "nomad/jobs/tutti-node" }}
          TUTTI_TOKEN={{ .token }}
          TUTTI_JOIN={{ .join }}
          {{ end }}
        ENV
      }

      resources {
        cpu    = 1000
        memory = 1024
      }
    }
  }
}
