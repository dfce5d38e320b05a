# Claude Code clients -> internal load balancer (TLS) -> Fargate tasks in private subnets -> Bedrock by the task's role;
# PostgreSQL on RDS; secrets in Secrets Manager.

provider "aws" {
  region = var.region
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_subnet" "private" {
  for_each = toset(var.private_subnet_ids)
  id       = each.value
}

locals {
  # ECS kills a Fargate task two minutes after SIGTERM at the latest.
  stop_timeout        = 120
  drain_delay_seconds = 15
  drain_seconds       = 95

  gateway_yaml = var.gateway_yaml != null ? var.gateway_yaml : templatefile("${path.module}/gateway.yaml.tftpl", {
    public_url            = var.public_url
    load_balancer_cidrs   = [for subnet in data.aws_subnet.private : subnet.cidr_block]
    drain_delay_seconds   = local.drain_delay_seconds
    drain_seconds         = local.drain_seconds
    oidc_issuer           = var.oidc_issuer
    oidc_client_id        = var.oidc_client_id
    allowed_email_domains = var.allowed_email_domains
    database_address      = aws_db_instance.this.address
    region                = var.region
    inference_profile     = var.inference_profile_prefix
  })

  secrets = merge({
    JWT_SECRET         = aws_secretsmanager_secret.jwt.arn
    DATABASE_PASSWORD  = aws_secretsmanager_secret.database_password.arn
    OIDC_CLIENT_SECRET = aws_secretsmanager_secret.oidc_client_secret.arn
  }, var.extra_secrets)
}

# ---- secrets

ephemeral "random_password" "jwt" {
  length  = 64
  special = false
}

ephemeral "random_password" "database" {
  length  = 40
  special = false
}

resource "aws_secretsmanager_secret" "jwt" {
  name_prefix = "${var.name}-jwt-"
  description = "Signs the gateway's bearers (session.jwt_secret)."
}

resource "aws_secretsmanager_secret_version" "jwt" {
  secret_id                = aws_secretsmanager_secret.jwt.id
  secret_string_wo         = ephemeral.random_password.jwt.result
  secret_string_wo_version = var.secrets_version
}

resource "aws_secretsmanager_secret" "database_password" {
  name_prefix = "${var.name}-database-"
  description = "Password of the gateway's database user."
}

resource "aws_secretsmanager_secret_version" "database_password" {
  secret_id                = aws_secretsmanager_secret.database_password.id
  secret_string_wo         = ephemeral.random_password.database.result
  secret_string_wo_version = var.secrets_version
}

# Its value is put in by hand (README); tasks do not start before.
resource "aws_secretsmanager_secret" "oidc_client_secret" {
  name_prefix = "${var.name}-oidc-"
  description = "The gateway's client secret at the identity provider."
}

# Not secret, yet longer than a parameter may be for free.
resource "aws_secretsmanager_secret" "gateway_yaml" {
  name_prefix = "${var.name}-config-"
  description = "gateway.yaml."
}

resource "aws_secretsmanager_secret_version" "gateway_yaml" {
  secret_id     = aws_secretsmanager_secret.gateway_yaml.id
  secret_string = local.gateway_yaml
}

# ---- network

resource "aws_security_group" "load_balancer" {
  name_prefix = "${var.name}-lb-"
  description = "Developers to the load balancer"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each          = toset(var.client_cidrs)
  security_group_id = aws_security_group.load_balancer.id
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  security_group_id            = aws_security_group.load_balancer.id
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_security_group" "task" {
  name_prefix = "${var.name}-task-"
  description = "The load balancer to the gateway"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "task" {
  security_group_id            = aws_security_group.task.id
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_egress_rule" "task_https" {
  security_group_id = aws_security_group.task.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "task_database" {
  security_group_id            = aws_security_group.task.id
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_security_group" "database" {
  name_prefix = "${var.name}-db-"
  description = "The gateway to its database"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

# ---- database

resource "aws_db_subnet_group" "this" {
  name_prefix = "${var.name}-"
  subnet_ids  = var.private_subnet_ids
}

resource "aws_db_instance" "this" {
  identifier_prefix          = "${var.name}-"
  engine                     = "postgres"
  engine_version             = "17"
  instance_class             = var.database_instance_class
  allocated_storage          = 20
  max_allocated_storage      = 200
  storage_type               = "gp3"
  storage_encrypted          = true
  multi_az                   = true
  db_name                    = "gateway"
  username                   = "gateway"
  password_wo                = ephemeral.random_password.database.result
  password_wo_version        = var.secrets_version
  db_subnet_group_name       = aws_db_subnet_group.this.name
  vpc_security_group_ids     = [aws_security_group.database.id]
  publicly_accessible        = false
  backup_retention_period    = 7
  auto_minor_version_upgrade = true
  deletion_protection        = var.database_deletion_protection
  skip_final_snapshot        = !var.database_deletion_protection
  final_snapshot_identifier  = "${var.name}-last"
  copy_tags_to_snapshot      = true
}

# ---- load balancer

resource "aws_lb" "this" {
  name               = var.name
  internal           = true
  load_balancer_type = "application"
  # IPv4 alone: Claude Code refuses a name that has a public address beside a private one.
  ip_address_type = "ipv4"
  subnets         = var.private_subnet_ids
  security_groups = [aws_security_group.load_balancer.id]
  # Below listen.keep_alive_seconds (3,660 s): the load balancer has to be the one that closes.
  idle_timeout               = 3600
  drop_invalid_header_fields = true
}

resource "aws_lb_target_group" "this" {
  name_prefix = "claude"
  port        = 8080
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = var.vpc_id
  # Streams that a stopping task still has; the task itself ends sooner.
  deregistration_delay = local.stop_timeout

  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

# ---- rights

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# What ECS needs to start a task: the image, the log, the secrets.
resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-exec-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "secrets" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = concat(values(local.secrets), [aws_secretsmanager_secret.gateway_yaml.arn])
  }
}

resource "aws_iam_role_policy" "secrets" {
  name   = "secrets"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.secrets.json
}

# What the gateway itself may: invoke Anthropic's models.
resource "aws_iam_role" "task" {
  name_prefix        = "${var.name}-task-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "bedrock" {
  statement {
    actions = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CountTokens"]
    resources = [
      "arn:${data.aws_partition.current.partition}:bedrock:*::foundation-model/anthropic.*",
      "arn:${data.aws_partition.current.partition}:bedrock:${var.region}:${data.aws_caller_identity.current.account_id}:inference-profile/${var.inference_profile_prefix}.anthropic.*",
    ]
  }
}

resource "aws_iam_role_policy" "bedrock" {
  name   = "bedrock"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.bedrock.json
}

# ---- tasks

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  volume {
    name = "config"
  }

  volume {
    name = "tmp"
  }

  container_definitions = jsonencode([
    {
      # Fargate mounts no file: this one writes it and ends. It holds no secret, only names of variables.
      name      = "config"
      image     = var.config_image
      essential = false
      command   = ["sh", "-c", "printf '%s' \"$GATEWAY_YAML\" > /config/gateway.yaml && chmod 1777 /scratch"]
      secrets   = [{ name = "GATEWAY_YAML", valueFrom = aws_secretsmanager_secret.gateway_yaml.arn }]
      # A new text is a new revision, and so a deployment.
      environment = [{ name = "GATEWAY_YAML_SHA256", value = sha256(local.gateway_yaml) }]
      mountPoints = [
        { sourceVolume = "config", containerPath = "/config", readOnly = false },
        { sourceVolume = "tmp", containerPath = "/scratch", readOnly = false },
      ]
      readonlyRootFilesystem = true
      logConfiguration       = local.log_configuration
    },
    {
      name         = "gateway"
      image        = var.image
      essential    = true
      command      = ["--config", "/etc/claude-gateway/gateway.yaml"]
      dependsOn    = [{ containerName = "config", condition = "SUCCESS" }]
      portMappings = [{ containerPort = 8080, protocol = "tcp" }]
      environment = [
        { name = "AWS_REGION", value = var.region },
        { name = "CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS", value = tostring(local.drain_seconds * 1000) },
      ]
      secrets = [for name, arn in local.secrets : { name = name, valueFrom = arn }]
      mountPoints = [
        { sourceVolume = "config", containerPath = "/etc/claude-gateway", readOnly = true },
        { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
      ]
      healthCheck = {
        command     = ["CMD", "/app/claude-gateway", "health", "--url", "http://127.0.0.1:8080"]
        interval    = 15
        timeout     = 5
        retries     = 3
        startPeriod = 60
      }
      stopTimeout            = local.stop_timeout
      readonlyRootFilesystem = true
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      ulimits                = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
      logConfiguration       = local.log_configuration
    },
  ])
}

locals {
  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = var.region
      awslogs-stream-prefix = "gateway"
    }
  }
}

resource "aws_ecs_service" "this" {
  name                               = var.name
  cluster                            = aws_ecs_cluster.this.id
  task_definition                    = aws_ecs_task_definition.this.arn
  launch_type                        = "FARGATE"
  desired_count                      = var.min_tasks
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 120
  availability_zone_rebalancing      = "ENABLED"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [aws_security_group.task.id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "gateway"
    container_port   = 8080
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [
    aws_lb_listener.https,
    aws_iam_role_policy.secrets,
    aws_secretsmanager_secret_version.jwt,
    aws_secretsmanager_secret_version.database_password,
    aws_secretsmanager_secret_version.gateway_yaml,
  ]
}

# CloudWatch does not know the gateway's open streams; CPU follows them closely enough.
resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_in_cooldown  = 600
    scale_out_cooldown = 30

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
